// Arbitrary bytes as a saved sequence: refused, with the session as it was, or gone on from and saved again.
#include <algorithm>
#include <vector>

#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/fuzzed_session.hpp"
#include "tests/fuzz/memory_file.hpp"

namespace burin::tests {
namespace {

// The last row may be of NaN in the file; then no token can be sampled.
void go_on(FuzzedSession& restored) {
  constexpr int kTokens = 3;
  for (int i = 0; i < kTokens; ++i) {
    const runtime::TokenId token = restored.sampler.sample(restored.session.logits());
    restored.sampler.accept(token);
    restored.session.evaluate(std::vector<runtime::TokenId>{token});
  }
}

void check(std::span<const std::uint8_t> bytes) {
  static FuzzedSession restored = fuzzed_session();
  const MemoryFile file(bytes.data(), bytes.size());
  const std::int64_t position = restored.session.position();
  bool is_whole = false;
  use_or_refuse([&] {
    restored.session.restore(file.path(), &restored.sampler);
    is_whole = true;
  });
  expect(is_whole || restored.session.position() == position, "a refused file changes nothing");
  if (is_whole && restored.session.position() > 0) use_or_refuse([&] { go_on(restored); });
}

}  // namespace
}  // namespace burin::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin::tests;
  std::vector<std::uint8_t> file(data, data + size);
  check(file);
  seal_sequence(file);
  check(file);
  return 0;
}
