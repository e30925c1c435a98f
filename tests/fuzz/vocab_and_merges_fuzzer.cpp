// Arbitrary texts as GPT-2's vocab.json and merges.txt: loaded and used.
#include "runtime/tokenizer/loaders.hpp"
#include "runtime/tokenizer/pre_tokenizer.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/files_in_one.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/use_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin;
  static const runtime::FolderSettings settings;
  static const std::vector<std::string> patterns = runtime::patterns_by_name("gpt-2");
  const std::vector<std::string_view> files = tests::files_of(data, size, 2);
  const tests::TemporaryFolder folder;
  folder.write("vocab.json", files[0]);
  folder.write("merges.txt", files[1]);
  tests::use_or_refuse(
      [&] { tests::use_tokenizer(*runtime::load_vocab_and_merges(folder.path(), settings, patterns)); });
  return 0;
}
