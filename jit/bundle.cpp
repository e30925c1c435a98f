#include "jit/bundle.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "jit/error.hpp"
#include "jit/file_descriptor.hpp"
#include "jit/image_file.hpp"
#include "jit/sealed_memory.hpp"

namespace burin::jit {
namespace {

constexpr std::array<char, 8> kMagic = {'B', 'U', 'R', 'I', 'N', 'B', 'N', 'D'};
constexpr std::uint32_t kVersion = 2;

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

Digest digest_of(std::vector<std::uint8_t> file) {
  std::memset(file.data() + offsetof(Header, digest), 0, sizeof(Digest));
  return sha256(file);
}

void check_build(const std::string& name, const Digest& build, const EmitterId& emitter) {
  if (build != emitter.build)
    fail(
        "{}: made by another build of Burin ({}, this is {}): make it anew with the burin pregen of the same "
        "sources, compiler and Xbyak",
        name, to_hex(build).substr(0, 16), to_hex(emitter.build).substr(0, 16));
}

std::vector<BundleTarget> parse_contents(const std::string& name, std::string_view lines) {
  std::vector<BundleTarget> targets;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t first = line.find('\t');
    const std::size_t second = first == line.npos ? line.npos : line.find('\t', first + 1);
    if (second == line.npos) fail("{}: damaged (contents): make it anew with burin pregen", name);
    BundleTarget row;
    try {
      row.target = parse_target(line.substr(first + 1, second - first - 1));
    } catch (const Error& error) {
      fail("{}: {}: make it anew with burin pregen", name, printable(error.what(), 200));
    }
    row.target.name = printable(line.substr(0, first));
    row.origin = printable(line.substr(second + 1), 400);
    targets.push_back(std::move(row));
  }
  return targets;
}

}  // namespace

std::string contents_text(const std::vector<BundleTarget>& targets) {
  std::string lines;
  for (const BundleTarget& row : targets)
    lines += fmt::format("{}\t{}\t{}\n", row.target.name, to_text(row.target.features), row.origin);
  return lines;
}

std::map<std::string, const CodeImage*> images_by_key(const std::vector<CodeImage>& images) {
  std::map<std::string, const CodeImage*> by_key;
  for (const CodeImage& image : images) by_key.emplace(KernelKey{image.name, image.features}.text(), &image);
  return by_key;
}

std::vector<std::uint8_t> bundle_file(const std::vector<BundleTarget>& targets,
                                      const std::vector<CodeImage>& images, const EmitterId& emitter) {
  const std::map<std::string, const CodeImage*> by_key = images_by_key(images);
  const std::string contents = contents_text(targets);
  std::vector<std::uint8_t> file(sizeof(Header) + contents.size());
  std::copy(contents.begin(), contents.end(), file.begin() + sizeof(Header));
  for (const auto& [key, image] : by_key) {
    const std::vector<std::uint8_t> part = image_file({image->name, image->features}, *image, emitter);
    file.resize(round_up_to_code(file.size()));
    file.insert(file.end(), part.begin(), part.end());
  }
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

struct Bundle::Contents {
  // Where a kernel is: in the file, or linked.
  struct Part {
    std::size_t offset = 0;
    std::size_t length = 0;
    std::size_t code_offset = 0;
    std::size_t code_bytes = 0;
    const void* linked = nullptr;
  };

  void read_file();
  void read_images(std::size_t first, std::uint32_t count);
  void read_linked(const LinkedKernels& linked);

  std::string name;
  EmitterId emitter;
  std::vector<std::uint8_t> file;
  std::vector<BundleTarget> targets;
  std::map<std::string, Part, std::less<>> images;  // by key

  std::mutex mutex;                          // guards what follows
  std::shared_ptr<const SealedMemory> code;  // of the whole file
};

void Bundle::Contents::read_file() {
  Header header;
  if (file.size() < sizeof(Header) || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0)
    fail("{}: is no bundle of kernels: make one with burin pregen", name);
  std::memcpy(&header, file.data(), sizeof(Header));
  if (header.version != kVersion)
    fail("{}: a bundle of layout {} instead of {}: make it anew with burin pregen", name, header.version,
         kVersion);
  if (header.file_bytes != file.size() || header.contents_bytes > file.size() - sizeof(Header) ||
      digest_of(file) != header.digest)
    fail("{}: damaged (length or SHA-256 differs): make it anew with burin pregen", name);
  check_build(name, header.build, emitter);
  targets = parse_contents(
      name, {reinterpret_cast<const char*>(file.data()) + sizeof(Header), header.contents_bytes});
  read_images(sizeof(Header) + header.contents_bytes, header.kernels);
}

void Bundle::Contents::read_images(std::size_t first, std::uint32_t count) {
  const std::span<const std::uint8_t> all(file);
  for (std::uint32_t i = 0; i < count; ++i) {
    try {
      first = std::min(round_up_to_code(first), all.size());
      const std::size_t length = image_file_length(all.subspan(first));
      const StoredImage stored = parse_image_file(all.subspan(first, length));
      if (stored.emitter != emitter) fail("of another build of the emitter");
      if (stored.key != KernelKey{stored.image.name, stored.image.features}.text())
        fail("its features are not those of its key");
      images.emplace(stored.key,
                     Part{first, length, first + stored.code_begin, stored.image.bytes.size(), nullptr});
      first += length;
    } catch (const Error& error) {
      fail("{}: kernel {}: {}: make the bundle anew with burin pregen", name, i, error.what());
    }
  }
  if (first != file.size())
    fail("{}: {} bytes too long: make it anew with burin pregen", name, file.size() - first);
}

void Bundle::Contents::read_linked(const LinkedKernels& linked) {
  if (std::memcmp(linked.magic, kLinkedMagic, sizeof linked.magic) != 0 || linked.version != kLinkedVersion)
    fail("{}: linked kernels of another layout: make the object anew with burin pregen", name);
  Digest build;
  std::memcpy(build.data(), linked.build, build.size());
  check_build(name, build, emitter);
  if (linked.arguments != emitter.arguments)
    fail("{}: linked kernels with another version of the arguments: make the object anew with burin pregen",
         name);
  targets = parse_contents(name, linked.contents);
  for (const LinkedKernel& kernel : std::span(linked.kernels, linked.count))
    images.emplace(kernel.key, Part{0, 0, 0, kernel.bytes, kernel.code});
}

Bundle Bundle::open(const std::filesystem::path& path) {
  const std::string& text = path.native();
  if (text.starts_with(kLinkedPrefix)) return Bundle(find_linked_kernels(text.substr(kLinkedPrefix.size())));
  const std::string name = printable(text, 200);
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
    : contents_(std::make_shared<Contents>()) {
  contents_->name = std::move(name);
  contents_->emitter = emitter;
  contents_->file = std::move(file);
  contents_->read_file();
}

Bundle::Bundle(const LinkedKernels& linked, const EmitterId& emitter)
    : contents_(std::make_shared<Contents>()) {
  contents_->name = std::string(kLinkedPrefix) + linked.name;
  contents_->emitter = emitter;
  contents_->read_linked(linked);
}

const std::string& Bundle::name() const { return contents_->name; }
const std::vector<BundleTarget>& Bundle::targets() const { return contents_->targets; }
std::size_t Bundle::kernels() const { return contents_->images.size(); }

std::optional<CodeImage> Bundle::find(const KernelKey& key) const {
  const auto found = contents_->images.find(key.text());
  if (found == contents_->images.end() || found->second.linked != nullptr) return std::nullopt;
  const Contents::Part part = found->second;
  return read_image_file(std::span(contents_->file).subspan(part.offset, part.length), key,
                         contents_->emitter);
}

std::optional<BundledKernel> Bundle::load(const KernelKey& key) const {
  const auto found = contents_->images.find(key.text());
  if (found == contents_->images.end()) return std::nullopt;
  const Contents::Part part = found->second;
  if (part.linked != nullptr) return BundledKernel{{contents_, part.linked}, part.code_bytes};
  const std::scoped_lock lock(contents_->mutex);
  if (!contents_->code) contents_->code = std::make_shared<const SealedMemory>(contents_->file);
  return BundledKernel{{contents_->code, contents_->code->data() + part.code_offset}, part.code_bytes};
}

}  // namespace burin::jit
