// Arbitrary bytes as text: every tokenizer gives back what it was given.
#include <memory>

#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/safetensors_writer.hpp"

namespace burin::tests {
namespace {

using runtime::TokenId;
using runtime::Tokenizer;

class Tokenizers {
 public:
  Tokenizers() {
    const TemporaryFolder folder;
    write_tiny_folder(folder);
    byte_level = Tokenizer::load(*runtime::ModelFile::open(folder.path()));
    const auto gguf = runtime::ModelFile::open(folder.write("tiny.gguf", tiny_gguf().bytes()));
    sentencepiece = Tokenizer::load(*gguf);
  }

  std::unique_ptr<Tokenizer> byte_level, sentencepiece;
};

// SentencePiece cannot tell its mark from a space.
std::string without_marks(std::string text) {
  for (std::size_t at = 0; (at = text.find("\xe2\x96\x81", at)) != std::string::npos;)
    text.replace(at, 3, 1, ' ');
  return text;
}

void check(const Tokenizer& tokenizer, const std::string& text, const std::string& expected) {
  for (const bool add_special : {false, true}) {
    const std::vector<TokenId> ids = tokenizer.encode(text, {add_special, false});
    for (const TokenId id : ids)
      expect(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocabulary_size(), "id in the vocabulary");
    expect(tokenizer.decode(ids) == expected, "decoded text is the text");
    runtime::StreamDecoder decoder(tokenizer, true);
    std::string streamed;
    for (const TokenId id : ids) {
      const std::string_view piece = decoder.push(id);
      expect(runtime::is_utf8(piece), "every piece is whole characters");
      streamed += piece;
    }
    streamed += decoder.finish();
    expect(!runtime::is_utf8(expected) || streamed == expected, "streamed text is the text");
  }
  tokenizer.encode(text, {true, true});
}

}  // namespace
}  // namespace burin::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace burin::tests;
  static const Tokenizers tokenizers;
  const std::string text(reinterpret_cast<const char*>(data), size);
  use_or_refuse([&] {
    check(*tokenizers.byte_level, text, text);
    check(*tokenizers.sentencepiece, text, without_marks(text));
  });
  return 0;
}
