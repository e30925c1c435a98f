// Splitting by patterns, also where a text is no UTF-8.
#include "runtime/tokenizer/pre_tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_values.hpp"

namespace burin::runtime {
namespace {

using testing::ElementsAre;

std::vector<std::string_view> pieces_of(const std::string& pattern, std::string_view text) {
  return PreTokenizer({pattern}, "test").split(text);
}

TEST(PreTokenizer, MatchesAndGapsBecomePieces) {
  EXPECT_THAT(pieces_of("[0-9]", "ab1c22"), ElementsAre("ab", "1", "c", "2", "2"));
  EXPECT_THAT(pieces_of(kGpt2Pattern, "He's 12  x"), ElementsAre("He", "'s", " 12", " ", " x"));
  EXPECT_THAT(pieces_of("a", ""), ElementsAre());
}

TEST(PreTokenizer, EmptyMatchesCutNothing) {
  EXPECT_THAT(pieces_of("x*", "\xc3\xa9xx\xf0\x9f\x99\x82"),
              ElementsAre("\xc3\xa9", "xx", "\xf0\x9f\x99\x82"));
}

TEST(PreTokenizer, BytesThatAreNoUtf8AreNoCharacters) {
  EXPECT_THAT(pieces_of("[a-z ]", "a\xff\xed\xa0\x80z"), ElementsAre("a", "\xff\xed\xa0\x80", "z"));
  // They stay with neighbours that do not match either, and are nothing that looking ahead or behind would see.
  EXPECT_THAT(pieces_of("[a-z]+", "a1\xff-z"), ElementsAre("a", "1\xff-", "z"));
  EXPECT_THAT(pieces_of("a(?!.)",
                        "a\xff"
                        "ab"),
              ElementsAre("a",
                          "\xff"
                          "ab"));
  EXPECT_THAT(pieces_of("(?<!.)b",
                        "ab\xff"
                        "b"),
              ElementsAre("ab\xff", "b"));
  // Lines begin and end where the text does.
  EXPECT_THAT(pieces_of("^a|a$",
                        "aa\xff"
                        "aa"),
              ElementsAre("a",
                          "a\xff"
                          "a",
                          "a"));
  EXPECT_THAT(pieces_of("b", "b\xc3"), ElementsAre("b", "\xc3"));
}

// Pieces, and their words wherever they stand, against one pattern after the other over lists of pieces.
TEST(PreTokenizer, TwoStepsAreAsAllPatternsAtOnce) {
  const char* const parts[] = {"a",      "B",      " ",    "  ",         "\n",   "\r\n", "'s",
                               "12",     "2024",   ".",    "$",          "--",   "\t",   "\u00e9",
                               "\u6f22", "\u3002", "\xff", "\U0001f642", "I'LL", "<"};
  tests::RandomValues random(11);
  for (const char* name :
       {"gpt-2", "llama-bpe", "qwen2", "starcoder", "falcon", "deepseek-llm", "deepseek-coder", "default"}) {
    const std::vector<std::string> patterns = patterns_by_name(name);
    const PreTokenizer pre_tokenizer(patterns, "test");
    for (int round = 0; round < 200; ++round) {
      std::string text;
      for (int i = 0; i < 20; ++i) text += parts[random.below(std::ssize(parts))];
      std::vector<std::string_view> expected = {text};
      for (const std::string& pattern : patterns) {
        std::vector<std::string_view> finer;
        for (const std::string_view piece : expected)
          for (const std::string_view part : pieces_of(pattern, piece)) finer.push_back(part);
        expected = finer;
      }
      std::vector<std::string_view> words;
      pre_tokenizer.each_piece(text, [&](std::string_view piece) {
        pre_tokenizer.each_word(piece, [&](std::string_view word) { words.push_back(word); });
      });
      ASSERT_EQ(words, expected) << name << ": " << text;
      ASSERT_EQ(pre_tokenizer.split(text), expected) << name << ": " << text;
    }
  }
}

std::vector<std::string_view> pieces_by_name(const char* name, std::string_view text) {
  return PreTokenizer(patterns_by_name(name), name).split(text);
}

TEST(PreTokenizer, KnowsTheNamesOfGgufFiles) {
  EXPECT_THAT(pieces_by_name("gpt-4o", "HelloWorld's 12345 x/\n"),
              ElementsAre("Hello", "World's", " ", "123", "45", " x", "/\n"));
  EXPECT_THAT(pieces_by_name("tekken", "HelloWorld's 12"),
              ElementsAre("Hello", "World", "'s", " ", "1", "2"));
  EXPECT_THAT(pieces_by_name("bloom", "Hi, you (there)"), ElementsAre("Hi", ",", " you", " (", "there", ")"));
  EXPECT_THAT(pieces_by_name("glm4", "HelloWorld's 1234"), ElementsAre("HelloWorld", "'s", " ", "123", "4"));
  EXPECT_EQ(patterns_by_name("chatglm-bpe"), patterns_by_name("glm4"));
  EXPECT_THAT(patterns_by_name("no such name"), ElementsAre());
}

}  // namespace
}  // namespace burin::runtime
