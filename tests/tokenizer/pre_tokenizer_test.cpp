// Splitting by patterns, also where a text is no UTF-8.
#include "runtime/tokenizer/pre_tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
