// Arbitrary bytes as a GGUF file: opened, planned, its tokenizer used.
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/support/use_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin;
  const tests::MemoryFile file(data, size);
  for (const std::string& refusal : tests::use_model(file.path())) tests::expect_one_line(refusal);
  return 0;
}
