// Streams of tokens as text: never half a character, and in the end the same as decoding at once.
#include <gtest/gtest.h>

#include "runtime/files/mapped_file.hpp"
#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

// One token per byte: every way to cut characters into tokens is a sequence of these.
class ByteTokenizer final : public Tokenizer {
 public:
  ByteTokenizer() {
    for (int byte = 0; byte < 256; ++byte) bytes_ += static_cast<char>(byte);
  }
  std::vector<TokenId> encode(std::string_view text, EncodeOptions) const override {
    std::vector<TokenId> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string_view token_bytes(TokenId id, bool) const override {
    return std::string_view(bytes_).substr(static_cast<std::size_t>(id), 1);
  }
  std::string decode(std::span<const TokenId> ids, bool special) const override {
    std::string text;
    for (const TokenId id : ids) text += token_bytes(id, special);
    return text;
  }
  std::size_t vocabulary_size() const override { return 256; }
  TokenId bos() const override { return -1; }
  TokenId eos() const override { return -1; }
  bool is_end_of_generation(TokenId) const override { return false; }
  bool adds_bos() const override { return false; }
  bool adds_space_prefix() const override { return false; }

 private:
  std::string bytes_;
};

std::string stream(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  StreamDecoder decoder(tokenizer, true);
  std::string text;
  for (const TokenId id : ids) {
    const std::string piece(decoder.push(id));
    EXPECT_TRUE(is_utf8(piece)) << "piece of " << piece.size() << " bytes";
    text += piece;
  }
  const std::string rest(decoder.finish());
  EXPECT_TRUE(is_utf8(rest));
  return text + rest;
}

std::string stream_bytes(std::string_view bytes) {
  const ByteTokenizer tokenizer;
  return stream(tokenizer, tokenizer.encode(bytes, {}));
}

TEST(StreamDecoder, HoldsBackHalfCharacters) {
  const ByteTokenizer tokenizer;
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(0xf0), "");
  EXPECT_EQ(decoder.push(0x9f), "");
  EXPECT_EQ(decoder.push(0xa6), "");
  EXPECT_EQ(decoder.push(0x99), "\xf0\x9f\xa6\x99");
  EXPECT_EQ(decoder.push('a'), "a");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoder, TextOfAllLengthsPassesUnchanged) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x99 \xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf.";
  EXPECT_EQ(stream_bytes(text), text);
}

// Unicode 15, section 3.9, "Best practices for using U+FFFD".
TEST(StreamDecoder, ReplacesWhatCannotBecomeACharacter) {
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(stream_bytes("\x80"), bad);
  EXPECT_EQ(stream_bytes("a\xff"
                         "b"),
            "a" + bad + "b");
  EXPECT_EQ(stream_bytes("\xc0\xaf"), bad + bad);                      // overlong
  EXPECT_EQ(stream_bytes("\xed\xa0\x80"), bad + bad + bad);            // surrogate
  EXPECT_EQ(stream_bytes("\xf4\x91\x92\x93"), bad + bad + bad + bad);  // above U+10FFFF
  EXPECT_EQ(stream_bytes("\xe2\x82"
                         "a"),
            bad + "a");                          // maximal part, once
  EXPECT_EQ(stream_bytes("\xf0\x9f\xa6"), bad);  // cut off at the end
  EXPECT_EQ(stream_bytes("\xf0\x9f\xf0\x9f\xa6\x99"), bad + "\xf0\x9f\xa6\x99");
}

TEST(StreamDecoder, EqualsDecodingAtOnce) {
  for (const char* name : {"llama-spm", "phi-3", "gpt-2", "falcon", "deepseek-llm"}) {
    const std::string path = std::string("vocab-gguf/ggml-vocab-") + name + ".gguf";
    BURIN_NEEDS_REFERENCE(path);
    const std::unique_ptr<Tokenizer> tokenizer = Tokenizer::open(tests::reference_path(path));
    const std::string text = tests::read_bytes(tests::reference_path(path + ".inp"));
    const std::vector<TokenId> ids = tokenizer->encode(text, {.add_special = true, .parse_special = false});
    ASSERT_GT(ids.size(), 500u) << name;
    EXPECT_EQ(stream(*tokenizer, ids), text) << name;
    EXPECT_EQ(tokenizer->decode(ids), text) << name;
  }
}

}  // namespace
}  // namespace burin::runtime
