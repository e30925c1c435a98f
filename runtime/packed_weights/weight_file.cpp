#include "runtime/packed_weights/weight_file.hpp"

// The hash itself is part of its header: no library is linked.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string_view>
#include <vector>

#include "jit/error.hpp"
#include "jit/sha256.hpp"
#include "runtime/files/new_file.hpp"
#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

constexpr std::array<char, 8> kMagic = {'B', 'U', 'R', 'I', 'N', 'W', 'T', 'S'};
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kChunk = std::size_t{4} << 20;
constexpr std::size_t kWrite = std::size_t{32} << 20;     // at once: the system then finds huge pages for it
constexpr std::size_t kAlignment = std::size_t{2} << 20;  // of huge pages
constexpr std::string_view kModelLine = "model ";

// Numbers are little-endian, as all CPUs are that Burin runs on.
struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t format = kFormat;
  std::uint32_t text_bytes = 0;
  std::uint64_t weight_bytes = 0;
  std::uint64_t weights_at = 0;  // offset
  jit::Digest digest{};          // of the header with zeros here, the text and the hashes
};
static_assert(sizeof(Header) == 64);

using Hash = std::uint64_t;

Hash hash_of(std::span<const std::byte> bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

std::size_t chunks_of(std::uint64_t weight_bytes) {
  return static_cast<std::size_t>((weight_bytes + kChunk - 1) / kChunk);
}

std::span<const std::byte> chunk_of(std::span<const std::byte> weights, std::size_t number) {
  const std::size_t first = number * kChunk;
  return weights.subspan(first, std::min(kChunk, weights.size() - first));
}

jit::Digest digest_of(Header header, std::span<const std::byte> text, std::span<const std::byte> hashes) {
  header.digest = {};
  jit::Sha256 digest;
  digest.update(std::as_bytes(std::span(&header, 1)));
  digest.update(text);
  digest.update(hashes);
  return digest.finish();
}

// Throws where the numbers do not fit each other and the file's size.
Header read_header(const MappedFile& file) {
  const std::size_t size = file.bytes().size();
  if (size < sizeof(Header)) fail("{}: has {} bytes: too short to be whole", file.path(), size);
  Header header;
  std::memcpy(&header, file.bytes().data(), sizeof(header));
  if (header.magic != kMagic)
    fail("{}: is no file of packed weights: it does not begin with BURINWTS", file.path());
  if (header.format != kFormat)
    fail("{}: format is {}, this Burin reads {}", file.path(), header.format, kFormat);
  if (header.weight_bytes > size || header.weights_at != size - header.weight_bytes ||
      header.weights_at < sizeof(Header) + header.text_bytes + chunks_of(header.weight_bytes) * sizeof(Hash))
    fail("{}: weights are {} bytes at {}: the file has {}", file.path(), header.weight_bytes,
         header.weights_at, size);
  return header;
}

}  // namespace

WeightFile::WeightFile(std::unique_ptr<MappedFile> file) : file_(std::move(file)) {
  const Header header = read_header(*file_);
  const std::string_view text = file_->text().substr(sizeof(Header), header.text_bytes);
  hashes_at_ = sizeof(Header) + header.text_bytes;
  weights_at_ = static_cast<std::size_t>(header.weights_at);
  const std::size_t hash_bytes = chunks_of(header.weight_bytes) * sizeof(Hash);
  const std::size_t model = text.rfind(kModelLine);
  if (digest_of(header, std::as_bytes(std::span(text)), file_->bytes().subspan(hashes_at_, hash_bytes)) !=
          header.digest ||
      model == std::string_view::npos)
    fail("{}: is damaged: the SHA-256 of its header is another one", file_->path());
  text_ = {std::string(text.substr(0, model)), std::string(text.substr(model + kModelLine.size()))};
  file_->want_huge_pages();
}

void WeightFile::verify(ThreadPool& pool) const {
  const std::size_t chunks = chunks_of(weights().size());
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> damaged{chunks};
  pool.run([&](int) {
    for (std::size_t chunk = next++; chunk < chunks; chunk = next++) {
      Hash written = 0;
      std::memcpy(&written, file_->bytes().data() + hashes_at_ + chunk * sizeof(Hash), sizeof(Hash));
      if (hash_of(chunk_of(weights(), chunk)) != written) damaged = chunk;
    }
  });
  if (damaged != chunks)
    fail("{}: is damaged: the hash of its {} bytes from {} on is another one", file_->path(), kChunk,
         weights_at_ + damaged * kChunk);
}

bool write_weight_file(const std::string& path, const WeightFileText& text,
                       std::span<const std::byte> weights, const std::function<bool(double)>& progress) {
  const std::string lines = text.key + std::string(kModelLine) + text.model;
  const std::size_t chunks = chunks_of(weights.size());
  std::vector<Hash> hashes;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) hashes.push_back(hash_of(chunk_of(weights, chunk)));
  const auto hash_bytes = std::as_bytes(std::span(hashes));
  const std::size_t used = sizeof(Header) + lines.size() + hash_bytes.size();
  Header header;
  header.text_bytes = static_cast<std::uint32_t>(lines.size());
  header.weight_bytes = weights.size();
  header.weights_at = (used + kAlignment - 1) / kAlignment * kAlignment;
  header.digest = digest_of(header, std::as_bytes(std::span(lines)), hash_bytes);

  NewFile file(path);
  file.write(std::as_bytes(std::span(&header, 1)));
  file.write(std::as_bytes(std::span(lines)));
  file.write(hash_bytes);
  file.write(std::vector<std::byte>(static_cast<std::size_t>(header.weights_at) - used));
  for (std::size_t at = 0; at < weights.size();) {
    const std::size_t count = std::min(kWrite, weights.size() - at);
    file.write(weights.subspan(at, count));
    at += count;
    if (!progress(static_cast<double>(at) / static_cast<double>(weights.size()))) return false;
  }
  file.commit();
  return true;
}

}  // namespace burin::runtime
