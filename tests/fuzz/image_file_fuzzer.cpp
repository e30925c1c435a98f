// Arbitrary bytes as a kernel image: refused, or just what a writer would write for what it holds.
#include <cstring>
#include <vector>

#include "jit/image_file.hpp"
#include "tests/fuzz/expect.hpp"

namespace burin::tests {
namespace {

using Bytes = std::vector<std::uint8_t>;

// The layout's digest, made right: otherwise the fuzzer would get no further.
Bytes sealed(Bytes file) {
  constexpr std::size_t kDigestAt = 96;
  constexpr std::size_t kHeader = 128;
  if (file.size() < kHeader) return file;
  std::memset(file.data() + kDigestAt, 0, sizeof(jit::Digest));
  const jit::Digest digest = jit::sha256(file);
  std::memcpy(file.data() + kDigestAt, digest.data(), digest.size());
  return file;
}

void check(const Bytes& file) {
  use_or_refuse([&] {
    const jit::StoredImage stored = jit::parse_image_file(file);
    expect(!stored.image.bytes.empty() && stored.image.code_size <= stored.image.bytes.size(), "lengths");
    const jit::KernelKey key = {stored.image.name, stored.image.features};
    const jit::CodeImage image = jit::read_image_file(file, key, stored.emitter);
    expect(jit::image_file(key, image, stored.emitter) == file, "written as it was read");
  });
  use_or_refuse([&] {
    jit::read_image_file(file, {"gemm-k.32-n.64", jit::FeatureSet(1)}, jit::this_emitter());
  });
}

}  // namespace
}  // namespace burin::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin::tests;
  const Bytes file(data, data + size);
  check(file);
  check(sealed(file));
  return 0;
}
