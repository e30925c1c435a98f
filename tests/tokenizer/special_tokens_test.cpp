// Special tokens written out in a text, and what a tokenizer adds by itself.
#include "runtime/tokenizer/special_tokens.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "jit/error.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

std::string describe(const std::vector<TextPart>& parts) {
  std::string text;
  for (const TextPart& part : parts)
    text += (part.token >= 0 ? "<" + std::to_string(part.token) + ">" : "[" + std::string(part.text) + "]");
  return text;
}

TEST(SpecialTokens, LeftmostThenLongest) {
  SpecialTokens tokens;
  tokens.add({"<a>", 1, false, false, false});
  tokens.add({"<a><b>", 2, false, false, false});
  tokens.add({"  ", 3, true, false, false});
  EXPECT_EQ(describe(tokens.split("x<a>y", true)), "[x]<1>[y]");
  EXPECT_EQ(describe(tokens.split("<a><b><a>", true)), "<2><1>");
  EXPECT_EQ(describe(tokens.split("<a", true)), "[<a]");
  EXPECT_EQ(describe(tokens.split("", true)), "");
}

TEST(SpecialTokens, OnlyUserDefinedOnesWhereNotAskedFor) {
  SpecialTokens tokens;
  tokens.add({"<a>", 1, false, false, false});
  tokens.add({"  ", 3, true, false, false});
  EXPECT_EQ(describe(tokens.split("x<a>  y", false)), "[x<a>]<3>[y]");
}

TEST(SpecialTokens, TakesWhiteSpaceAlong) {
  SpecialTokens tokens;
  tokens.add({"<l>", 1, false, true, false});
  tokens.add({"<r>", 2, false, false, true});
  EXPECT_EQ(describe(tokens.split("a \n<l> b", true)), "[a]<1>[ b]");
  EXPECT_EQ(describe(tokens.split("a <r> \t b", true)), "[a ]<2>[b]");
  EXPECT_EQ(describe(tokens.split(" <l>", true)), "<1>");
}

TEST(Tokenizer, AddsBosAsTheModelAsks) {
  BURIN_NEEDS_REFERENCE("vocab-gguf/ggml-vocab-llama-spm.gguf");
  const auto tokenizer = Tokenizer::open(tests::reference_path("vocab-gguf/ggml-vocab-llama-spm.gguf"));
  EXPECT_TRUE(tokenizer->adds_bos());
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_TRUE(tokenizer->is_end_of_generation(2));
  EXPECT_EQ(tokenizer->encode(""), std::vector<TokenId>{1});
  EXPECT_EQ(tokenizer->encode("</s>"), (std::vector<TokenId>{1, 2}));
  EXPECT_GT(tokenizer->encode("</s>", {.add_special = true, .parse_special = false}).size(), 2u);
}

// Ids beyond the vocabulary are nothing that a model could say.
TEST(Tokenizer, SettingsBesideATokenizerNameFurtherEnds) {
  for (const char* name : {"tokenizers/llama-2-7b/tokenizer.model", "arch/llama3/tokenizer.json"}) {
    BURIN_NEEDS_REFERENCE(name);
    const tests::TemporaryFolder folder;
    const std::filesystem::path source = tests::reference_path(name);
    std::filesystem::copy(source, folder / source.filename().string());
    folder.write("config.json", R"({"eos_token_id": 7})");
    folder.write("generation_config.json", R"({"eos_token_id": [8, 100000000]})");
    const auto tokenizer = Tokenizer::open(folder.path());
    for (const TokenId id : {7, 8}) EXPECT_TRUE(tokenizer->is_end_of_generation(id)) << name << " " << id;
    for (const TokenId id : {6, 9}) EXPECT_FALSE(tokenizer->is_end_of_generation(id)) << name << " " << id;
  }
}

TEST(Tokenizer, SpecialTokensOfAChatAreSingleIds) {
  BURIN_NEEDS_REFERENCE("tokenizers/llama-3-8b");
  const auto tokenizer = Tokenizer::open(tests::reference_path("tokenizers/llama-3-8b"));
  EXPECT_EQ(tokenizer->encode("<|begin_of_text|><|eot_id|>", {.add_special = false, .parse_special = true}),
            (std::vector<TokenId>{128000, 128009}));
  EXPECT_TRUE(tokenizer->is_end_of_generation(128009));
  EXPECT_EQ(tokenizer->token_bytes(128009), "");
  EXPECT_EQ(tokenizer->token_bytes(128009, true), "<|eot_id|>");
}

TEST(Tokenizer, NfcWhereTheModelAsksForIt) {
  BURIN_NEEDS_REFERENCE("tokenizers/qwen2-0_5b");
  const auto tokenizer = Tokenizer::open(tests::reference_path("tokenizers/qwen2-0_5b"));
  EXPECT_EQ(tokenizer->encode("e\xcc\x81"), tokenizer->encode("\xc3\xa9"));
  const std::string no_utf8 = "e\xcc\x81\xff";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(no_utf8)), no_utf8);
}

TEST(Tokenizer, BytesThatAreNoTextSurvive) {
  for (const char* path : {"vocab-gguf/ggml-vocab-llama-spm.gguf", "vocab-gguf/ggml-vocab-gpt-2.gguf",
                           "tokenizers/llama-2-7b/tokenizer.json", "tokenizers/llama-2-7b/tokenizer.model",
                           "tokenizers/llama-3-8b"}) {
    BURIN_NEEDS_REFERENCE(path);
    const auto tokenizer = Tokenizer::open(tests::reference_path(path));
    std::string bytes;
    for (int byte = 1; byte < 256; ++byte) bytes += static_cast<char>(byte);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(bytes)), bytes) << path;
  }
}

TEST(Tokenizer, RefusesIdsOutsideTheVocabulary) {
  BURIN_NEEDS_REFERENCE("vocab-gguf/ggml-vocab-gpt-2.gguf");
  const auto tokenizer = Tokenizer::open(tests::reference_path("vocab-gguf/ggml-vocab-gpt-2.gguf"));
  EXPECT_THROW(tokenizer->token_bytes(-1), Error);
  EXPECT_THROW(tokenizer->token_bytes(50257), Error);
  EXPECT_NO_THROW(tokenizer->token_bytes(50256));
}

}  // namespace
}  // namespace burin::runtime
