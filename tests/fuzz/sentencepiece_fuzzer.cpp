// Arbitrary bytes as tokenizer.model of SentencePiece: loaded and used.
#include "runtime/tokenizer/loaders.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/support/use_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin;
  static const runtime::FolderSettings settings;
  const tests::MemoryFile file(data, size);
  tests::use_or_refuse([&] { tests::use_tokenizer(*runtime::load_sentencepiece(file.path(), settings)); });
  return 0;
}
