// Arbitrary bytes as a GGUF file: opened, planned, its tokenizer used. Seeds may lack the data of their tensors, so
// files are also tried with zeros behind them.
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/support/use_model.hpp"

namespace burin::tests {
namespace {

bool is_refused(const std::uint8_t* data, std::size_t size, std::size_t zeros) {
  const MemoryFile file(data, size, zeros);
  const std::vector<std::string> refusals = use_model(file.path());
  for (const std::string& refusal : refusals) expect_one_line(refusal);
  return !refusals.empty();
}

}  // namespace
}  // namespace burin::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kZeros = std::size_t{3} << 20;  // the small trained models' data
  using burin::tests::is_refused;
  if (is_refused(data, size, 0)) is_refused(data, size, kZeros);
  return 0;
}
