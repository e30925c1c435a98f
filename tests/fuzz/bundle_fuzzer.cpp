// Arbitrary bytes as a bundle of kernels: refused by name, or all it says it holds is there.
#include <cstring>

#include "jit/bundle.hpp"
#include "tests/fuzz/expect.hpp"

namespace burin::tests {
namespace {

using Bytes = std::vector<std::uint8_t>;

// The layout's digest, made right: otherwise the fuzzer would get no further.
Bytes sealed(Bytes file) {
  constexpr std::size_t kDigestAt = 64;
  constexpr std::size_t kHeader = 96;
  if (file.size() < kHeader) return file;
  std::memset(file.data() + kDigestAt, 0, sizeof(jit::Digest));
  const jit::Digest digest = jit::sha256(file);
  std::memcpy(file.data() + kDigestAt, digest.data(), digest.size());
  return file;
}

void check(Bytes file) {
  use_or_refuse([&] {
    const jit::Bundle bundle("fuzzed", std::move(file));
    for (const jit::BundleTarget& row : bundle.targets()) {
      expect_one_line(row.target.name);
      expect_one_line(row.origin);
      if (const auto image = bundle.find({"gemm-k.32-n.64", row.target.features}))
        expect(image->name == "gemm-k.32-n.64" && !image->bytes.empty(), "the kernel asked for");
      if (const auto kernel = bundle.load({"gemm-k.32-n.64", row.target.features}))
        expect(reinterpret_cast<std::uintptr_t>(kernel->kernel.get()) % jit::kCodeAlignment == 0, "aligned");
    }
  });
}

}  // namespace
}  // namespace burin::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin::tests;
  check(Bytes(data, data + size));
  check(sealed(Bytes(data, data + size)));
  return 0;
}
