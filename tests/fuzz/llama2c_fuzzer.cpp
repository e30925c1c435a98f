// Arbitrary bytes as llama2.c's model.bin and tokenizer.bin: opened, planned, the tokenizer used.
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/files_in_one.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin::tests;
  const std::vector<std::string_view> files = files_of(data, size, 2);
  const TemporaryFolder folder;
  const std::filesystem::path model = folder.write("model.bin", files[0]);
  folder.write("tokenizer.bin", files[1]);
  for (const std::string& refusal : use_model(model)) expect_one_line(refusal);
  return 0;
}
