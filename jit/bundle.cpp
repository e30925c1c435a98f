#include "jit/bundle.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "jit/error.hpp"
#include "jit/file_descriptor.hpp"
#include "jit/image_file.hpp"

namespace burin::jit {
namespace {

constexpr std::array<char, 8> kMagic = {'B', 'U', 'R', 'I', 'N', 'B', 'N', 'D'};
constexpr std::uint32_t kVersion = 1;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t kernels = 0;
  Digest build = {};
  std::uint32_t contents_bytes = 0;
  std::uint32_t zero = 0;
  std::uint64_t file_bytes = 0;
  Digest digest = {};
};
static_assert(sizeof(Header) == 96 && std::has_unique_object_representations_v<Header>);

std::string contents_of(const std::vector<BundleTarget>& targets) {
  std::string lines;
  for (const BundleTarget& row : targets)
    lines += fmt::format("{}\t{}\t{}\n", row.target.name, to_text(row.target.features), row.origin);
  return lines;
}

Digest digest_of(std::vector<std::uint8_t> file) {
  std::memset(file.data() + offsetof(Header, digest), 0, sizeof(Digest));
  return sha256(file);
}

}  // namespace

std::vector<std::uint8_t> bundle_file(const std::vector<BundleTarget>& targets,
                                      const std::vector<CodeImage>& images, const EmitterId& emitter) {
  std::map<std::string, const CodeImage*> by_key;
  for (const CodeImage& image : images) by_key.emplace(KernelKey{image.name, image.features}.text(), &image);
  const std::string contents = contents_of(targets);
  std::vector<std::vector<std::uint8_t>> parts;
  std::size_t length = sizeof(Header) + contents.size();
  for (const auto& [key, image] : by_key) {
    parts.push_back(image_file({image->name, image->features}, *image, emitter));
    length += parts.back().size();
  }
  std::vector<std::uint8_t> file(sizeof(Header));
  file.reserve(length);
  file.insert(file.end(), contents.begin(), contents.end());
  for (const std::vector<std::uint8_t>& part : parts) file.insert(file.end(), part.begin(), part.end());
  Header header;
  header.kernels = static_cast<std::uint32_t>(by_key.size());
  header.build = emitter.build;
  header.contents_bytes = static_cast<std::uint32_t>(contents.size());
  header.file_bytes = file.size();
  std::memcpy(file.data(), &header, sizeof(Header));
  header.digest = digest_of(file);
  std::memcpy(file.data(), &header, sizeof(Header));
  return file;
}

Bundle Bundle::open(const std::filesystem::path& path) {
  const std::string name = printable(path.string(), 200);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) fail("{}: cannot be opened: {}", name, system_error_text(errno));
  std::vector<std::uint8_t> bytes;
  try {
    bytes = read_all(file, kLargestBundle);
  } catch (const Error& error) {
    fail("{}: {}", name, error.what());
  }
  return Bundle(name, std::move(bytes));
}

Bundle::Bundle(std::string name, std::vector<std::uint8_t> file, const EmitterId& emitter)
    : name_(std::move(name)), file_(std::move(file)), emitter_(emitter) {
  Header header;
  if (file_.size() < sizeof(Header) || std::memcmp(file_.data(), kMagic.data(), kMagic.size()) != 0)
    fail("{}: is no bundle of kernels: make one with burin pregen", name_);
  std::memcpy(&header, file_.data(), sizeof(Header));
  if (header.version != kVersion)
    fail("{}: a bundle of layout {} instead of {}: make it anew with burin pregen", name_, header.version,
         kVersion);
  if (header.file_bytes != file_.size() || header.contents_bytes > file_.size() - sizeof(Header) ||
      digest_of(file_) != header.digest)
    fail("{}: damaged (length or SHA-256 differs): make it anew with burin pregen", name_);
  if (header.build != emitter.build)
    fail("{}: made by another build of Burin ({}, this is {}): make it anew with burin pregen", name_,
         to_hex(header.build).substr(0, 16), to_hex(emitter.build).substr(0, 16));
  read_contents({reinterpret_cast<const char*>(file_.data()) + sizeof(Header), header.contents_bytes});
  read_images(sizeof(Header) + header.contents_bytes, header.kernels, emitter);
}

void Bundle::read_contents(std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t first = line.find('\t');
    const std::size_t second = first == line.npos ? line.npos : line.find('\t', first + 1);
    if (second == line.npos) fail("{}: damaged (contents): make it anew with burin pregen", name_);
    BundleTarget row;
    try {
      row.target = parse_target(line.substr(first + 1, second - first - 1));
    } catch (const Error& error) {
      fail("{}: {}: make it anew with burin pregen", name_, printable(error.what(), 200));
    }
    row.target.name = printable(line.substr(0, first));
    row.origin = printable(line.substr(second + 1), 400);
    targets_.push_back(std::move(row));
  }
}

void Bundle::read_images(std::size_t first, std::uint32_t count, const EmitterId& emitter) {
  const std::span<const std::uint8_t> all(file_);
  for (std::uint32_t i = 0; i < count; ++i) {
    try {
      const std::size_t length = image_file_length(all.subspan(first));
      const StoredImage stored = parse_image_file(all.subspan(first, length));
      if (stored.emitter != emitter) fail("of another build of the emitter");
      images_.emplace(stored.key, Part{first, length});
      first += length;
    } catch (const Error& error) {
      fail("{}: kernel {}: {}: make the bundle anew with burin pregen", name_, i, error.what());
    }
  }
  if (first != file_.size())
    fail("{}: {} bytes too long: make it anew with burin pregen", name_, file_.size() - first);
}

std::optional<CodeImage> Bundle::find(const KernelKey& key) const {
  const auto found = images_.find(key.text());
  if (found == images_.end()) return std::nullopt;
  const Part part = found->second;
  return read_image_file(std::span(file_).subspan(part.offset, part.length), key, emitter_);
}

}  // namespace burin::jit
