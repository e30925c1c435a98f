// What single models' tokenizers have beside their vocabularies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jit/error.hpp"
#include "runtime/tokenizer/tokenizer.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using testing::HasSubstr;
using Ids = std::vector<TokenId>;

std::string refusal_of(const std::filesystem::path& path) {
  try {
    Tokenizer::open(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Ranks of the bytes "a", "b", " ", "ab", "1" and of an accent.
constexpr const char* kRanks = "YQ== 0\nYg== 1\nIA== 2\nYWI= 3\nMQ== 4\nw6k= 5\n";

TEST(Tiktoken, OfQwen1HasItsTokensBehindTheRanks) {
  const tests::TemporaryFolder folder;
  folder.write("qwen.tiktoken", kRanks);
  for (const std::filesystem::path& path : {folder.path(), folder / "qwen.tiktoken"}) {
    const auto tokenizer = Tokenizer::open(path);
    EXPECT_EQ(tokenizer->vocabulary_size(), 6u + 3 + 205);
    EXPECT_EQ(tokenizer->encode("ab<|im_start|>11<|im_end|>"), (Ids{3, 7, 4, 4, 8}));
    EXPECT_EQ(tokenizer->encode("<|endoftext|><|extra_0|><|extra_204|>"), (Ids{6, 9, 213}));
    EXPECT_EQ(tokenizer->encode("e\u0301"), (Ids{5})) << "NFC";
    EXPECT_EQ(tokenizer->eos(), 6);
    EXPECT_FALSE(tokenizer->adds_bos());
    EXPECT_TRUE(tokenizer->is_end_of_generation(8));
  }
}

TEST(Tiktoken, OfGlm4BeginsWithTwoTokens) {
  const tests::TemporaryFolder folder;
  folder.write("tokenizer.model", kRanks);
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "ChatGLM4Tokenizer", "added_tokens_decoder": {
      "6": {"content": "[gMASK]", "special": true}, "7": {"content": "<sop>", "special": true}}})");
  EXPECT_EQ(Tokenizer::open(folder.path())->encode("ab"), (Ids{6, 7, 3}));
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "ChatGLM4Tokenizer"})");
  EXPECT_THAT(refusal_of(folder.path()), HasSubstr("must add [gMASK] and <sop>"));
}

TEST(SentencePiece, OfChatGlmBeginsWithTwoTokens) {
  BURIN_NEEDS_REFERENCE("tokenizers/chatglm2-6b");
  const auto tokenizer = Tokenizer::open(tests::reference_path("tokenizers/chatglm2-6b"));
  Ids ids = tokenizer->encode("soup [gMASK]");
  ASSERT_GT(ids.size(), 3u);
  EXPECT_EQ(Ids(ids.begin(), ids.begin() + 2), (Ids{64790, 64792}));
  EXPECT_EQ(ids.back(), 64790);
  EXPECT_EQ(tokenizer->decode(ids), "soup ");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("sop eop")), "sop eop") << "words, not tokens";
  EXPECT_EQ(tokenizer->eos(), 2);
}

TEST(SentencePiece, OfBaichuanFindsItsOwnTokens) {
  BURIN_NEEDS_REFERENCE("tokenizers/baichuan2-7b");
  const auto tokenizer = Tokenizer::open(tests::reference_path("tokenizers/baichuan2-7b"));
  EXPECT_FALSE(tokenizer->adds_bos());
  const Ids ids = tokenizer->encode("<reserved_106>hello<reserved_107>");
  EXPECT_THAT(ids, testing::Contains(195)) << "a user's turn";
  EXPECT_THAT(ids, testing::Contains(196)) << "the assistant's turn";
  EXPECT_EQ(tokenizer->encode("</s>"), (Ids{2}));
}

TEST(WordPiece, IsRefusedByName) {
  const tests::TemporaryFolder folder;
  folder.write("vocab.txt", "[PAD]\n[UNK]\n");
  EXPECT_THAT(refusal_of(folder.path()),
              HasSubstr("is a WordPiece vocabulary: not supported: BPE and unigram tokenizers are"));
}

}  // namespace
}  // namespace burin::runtime
