#include "jit/image_file.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "jit/error.hpp"

namespace burin::jit {
namespace {

static_assert(std::endian::native == std::endian::little, "image files are little-endian");

constexpr std::array<char, 8> kMagic = {'B', 'U', 'R', 'I', 'N', 'I', 'M', 'G'};
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kSystemV = 1;
constexpr std::size_t kLongestKey = 4096;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t abi = kSystemV;
  Digest build = {};
  std::uint32_t arguments = 0;
  std::uint32_t features = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t code_bytes = 0;
  std::uint64_t image_bytes = 0;
  std::uint64_t unwind_bytes = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t zero = 0;
  Digest digest = {};

  std::size_t code_begin() const { return round_up_to_code(sizeof(Header) + key_bytes); }
};
static_assert(sizeof(Header) == 128 && std::has_unique_object_representations_v<Header>);

void check_header(const Header& header, std::size_t file_bytes) {
  if (header.magic != kMagic) fail("no kernel image");
  if (header.version != kVersion) fail("layout {} instead of {}", header.version, kVersion);
  if (header.abi != kSystemV) fail("ABI {} instead of {}", header.abi, kSystemV);
  if (header.zero != 0) fail("bytes that must be zero");
  if (header.file_bytes != file_bytes) fail("{} bytes long instead of {}", file_bytes, header.file_bytes);
  if (header.key_bytes > kLongestKey || header.code_begin() > file_bytes)
    fail("key of {} bytes", header.key_bytes);
  const std::size_t content = file_bytes - header.code_begin();
  if (header.unwind_bytes > content) fail("unwind program of {} bytes", header.unwind_bytes);
  if (header.image_bytes != content - header.unwind_bytes) fail("image of {} bytes", header.image_bytes);
  if (header.code_bytes == 0 || header.code_bytes > header.image_bytes)
    fail("{} bytes of code in an image of {}", header.code_bytes, header.image_bytes);
}

// With the digest's own bytes as zeros.
Digest digest_of(std::span<const std::uint8_t> file) {
  std::vector<std::uint8_t> copy(file.begin(), file.end());
  std::memset(copy.data() + offsetof(Header, digest), 0, sizeof(Digest));
  return sha256(copy);
}

}  // namespace

std::vector<std::uint8_t> image_file(const KernelKey& key, const CodeImage& image, const EmitterId& emitter) {
  const std::string key_text = key.text();
  Header header;
  header.build = emitter.build;
  header.arguments = emitter.arguments;
  header.features = key.features.bits();
  header.key_bytes = static_cast<std::uint32_t>(key_text.size());
  header.code_bytes = image.code_size;
  header.image_bytes = image.bytes.size();
  header.unwind_bytes = image.unwind.size();
  header.file_bytes = header.code_begin() + image.bytes.size() + image.unwind.size();

  std::vector<std::uint8_t> file(sizeof(Header));
  file.reserve(header.file_bytes);
  std::memcpy(file.data(), &header, sizeof(Header));
  file.insert(file.end(), key_text.begin(), key_text.end());
  file.resize(header.code_begin());
  file.insert(file.end(), image.bytes.begin(), image.bytes.end());
  file.insert(file.end(), image.unwind.begin(), image.unwind.end());
  header.digest = digest_of(file);
  std::memcpy(file.data(), &header, sizeof(Header));
  return file;
}

StoredImage parse_image_file(std::span<const std::uint8_t> file) {
  if (file.size() < sizeof(Header)) fail("{} bytes long: shorter than a header", file.size());
  Header header;
  std::memcpy(&header, file.data(), sizeof(Header));
  check_header(header, file.size());
  if (digest_of(file) != header.digest) fail("SHA-256 differs");

  StoredImage stored;
  stored.emitter = {header.build, header.arguments};
  const std::span<const std::uint8_t> key = file.subspan(sizeof(Header), header.key_bytes);
  const std::span<const std::uint8_t> padding =
      file.first(header.code_begin()).subspan(sizeof(Header) + header.key_bytes);
  if (std::any_of(padding.begin(), padding.end(), [](std::uint8_t byte) { return byte != 0; }))
    fail("bytes that must be zero");
  const std::span<const std::uint8_t> bytes = file.subspan(header.code_begin(), header.image_bytes);
  const std::span<const std::uint8_t> unwind = file.last(header.unwind_bytes);
  stored.key.assign(key.begin(), key.end());
  stored.image.name = stored.key.substr(0, stored.key.find('@'));
  stored.image.features = FeatureSet(header.features);
  stored.image.code_size = header.code_bytes;
  stored.image.bytes.assign(bytes.begin(), bytes.end());
  stored.image.unwind.assign(unwind.begin(), unwind.end());
  stored.code_begin = header.code_begin();
  return stored;
}

std::size_t image_file_length(std::span<const std::uint8_t> bytes) {
  Header header;
  if (bytes.size() < sizeof(Header)) fail("{} bytes long: shorter than a header", bytes.size());
  std::memcpy(&header, bytes.data(), sizeof(Header));
  if (header.file_bytes > bytes.size()) fail("{} bytes long instead of {}", bytes.size(), header.file_bytes);
  return header.file_bytes;
}

CodeImage read_image_file(std::span<const std::uint8_t> file, const KernelKey& key,
                          const EmitterId& emitter) {
  StoredImage stored = parse_image_file(file);
  if (stored.emitter.build != emitter.build)
    fail("of another build of the emitter ({})", to_hex(stored.emitter.build).substr(0, 16));
  if (stored.emitter.arguments != emitter.arguments) fail("of another version of the arguments");
  if (stored.image.features != key.features)
    fail("for CPUs with {}", printable(to_text(stored.image.features)));
  if (stored.key != key.text()) fail("of another kernel, {}", printable(stored.key));
  return std::move(stored.image);
}

}  // namespace burin::jit
