// What makes encoding fast must not change a token: words cut at spaces, words that are known, few symbols, runs of
// characters that have another composed form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>
#include <utf8proc.h>

#include <cstdlib>

#include "runtime/tokenizer/bpe.hpp"
#include "runtime/tokenizer/composed.hpp"
#include "runtime/tokenizer/merge_table.hpp"
#include "runtime/tokenizer/sentencepiece_settings.hpp"
#include "runtime/tokenizer/space_words.hpp"
#include "runtime/tokenizer/token_table.hpp"
#include "runtime/tokenizer/tokenizer.hpp"
#include "runtime/tokenizer/word_cache.hpp"
#include "tests/support/random_values.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using testing::ElementsAre;
using tests::RandomValues;

std::vector<std::string> words_of(const SpaceWords& words, std::string_view text) {
  std::vector<std::string> all;
  words.each(text, [&](std::string_view word) { all.emplace_back(word); });
  return all;
}

SpaceWords words_with(const std::vector<std::string_view>& tokens) {
  SpaceWords words;
  for (const std::string_view bytes : tokens) words.add_token(bytes);
  return words;
}

TEST(SpaceWords, BeginWithTheirSpaces) {
  const SpaceWords words = words_with({" ", "  ", " the"});
  EXPECT_THAT(words_of(words, ""), ElementsAre());
  EXPECT_THAT(words_of(words, " "), ElementsAre(" "));
  EXPECT_THAT(words_of(words, "The cat  sat on"), ElementsAre("The", " cat", "  sat", " on"));
  EXPECT_THAT(words_of(words, " a b "), ElementsAre(" a", " b ")) << "a last space is no word";
  EXPECT_THAT(words_of(words, "a\n b"), ElementsAre("a\n", " b"));
}

TEST(SpaceWords, OrWithTheEndOfALine) {
  EXPECT_THAT(words_of(words_with({" ", "\n"}), "a\nb\n\n c"), ElementsAre("a", "\nb", "\n", "\n", " c"));
  EXPECT_THAT(words_of(words_with({" ", "\n", "\n\n"}), "a\n\nb"), ElementsAre("a", "\n\nb"));
}

TEST(SpaceWords, BeginWithEverySpaceWhereAskedTo) {
  SpaceWords words(true);
  words.add_token("a b");
  EXPECT_THAT(words_of(words, "  a b "), ElementsAre(" ", " a", " b", " "));
}

TEST(SpaceWords, StayTogetherWhereATokenGoesOn) {
  const SpaceWords words = words_with({" ", "\n", "of the", "\n ", "et "});
  EXPECT_THAT(words_of(words, "one of the if a\n y"), ElementsAre("one", " of the", " if", " a", "\n y"));
  EXPECT_THAT(words_of(words, "it  of  if the"), ElementsAre("it ", " of", " ", " if the"))
      << "by the bytes next to the space";
}

// It may become one unknown token with what stands before it.
TEST(SpaceWords, DoNotBeginWithWhatIsNoToken) {
  EXPECT_THAT(words_of(words_with({" "}), "a\nb c"), ElementsAre("a\nb", " c"));
}

// A text's own U+2581 is a space to a vocabulary.
TEST(SpaceWords, KnowTheMark) {
  EXPECT_THAT(words_of(words_with({" ", "  "}), "a\xe2\x96\x81 b"), ElementsAre("a\xe2\x96\x81 b"));
  EXPECT_THAT(words_of(words_with({" ", "a  "}),
                       "a \xe2\x96\x81"
                       "b a b"),
              ElementsAre("a \xe2\x96\x81"
                          "b",
                          " a", " b"));
}

// --- merges

std::vector<BpeSymbol> symbols_of(std::string_view text) {
  std::vector<BpeSymbol> symbols;
  for (std::size_t i = 0; i < text.size(); ++i) symbols.push_back({text.substr(i, 1), text[i]});
  return symbols;
}

TEST(Bpe, FewSymbolsMergeAsManyDo) {
  RandomValues random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::int64_t i = random.below(kFewSymbols + 1); i > 0; --i)
      text += static_cast<char>('a' + random.below(3));
    // Any merge or none, with ranks that are often equal.
    const auto salt = static_cast<std::size_t>(round);
    const auto rule = [&](const BpeSymbol& left, const BpeSymbol& right) -> BpeMerge {
      const std::size_t hash =
          (std::hash<std::string_view>()(left.text) * 31 + std::hash<std::string_view>()(right.text) + salt) %
          7;
      if (hash < 3) return {};
      return {static_cast<TokenId>(1000 + hash), static_cast<double>(hash % 3)};
    };
    std::vector<BpeSymbol> few = symbols_of(text);
    std::vector<BpeSymbol> many = few;
    merge_few_symbols(few, rule);
    merge_many_symbols(many, rule);
    ASSERT_EQ(few.size(), many.size()) << text;
    for (std::size_t i = 0; i < few.size(); ++i) {
      EXPECT_EQ(few[i].text, many[i].text);
      EXPECT_EQ(few[i].id, many[i].id);
    }
  }
}

// --- tables

TEST(MergeTable, FindsWhatWasAddedFirst) {
  constexpr TokenId kTokens = 100;
  MergeTable table(kTokens * kTokens / 2);
  EXPECT_TRUE(table.empty());
  for (TokenId left = 0; left < kTokens; ++left)
    for (TokenId right = left % 2; right < kTokens; right += 2)
      table.add(left, right, {left * kTokens + right, static_cast<double>(right)});
  table.add(4, 6, {1, 1});
  for (TokenId left = 0; left < kTokens; ++left)
    for (TokenId right = 0; right < kTokens; ++right) {
      const bool listed = (left + right) % 2 == 0;
      EXPECT_EQ(table.find(left, right).id, listed ? left * kTokens + right : -1);
      EXPECT_EQ(table.find(left, right).rank, listed ? right : 0);
    }
  EXPECT_EQ(table.find(-1, 0).id, -1);
  EXPECT_EQ(table.find(0, -1).id, -1);
  EXPECT_EQ(MergeTable().find(0, 0).id, -1);
}

TEST(TokenTable, FindsWhatWasAddedFirst) {
  std::vector<std::string> texts = {"", std::string(1, '\0'), std::string(2, '\0')};
  for (int i = 0; i < 1000; ++i)
    texts.push_back(std::string(static_cast<std::size_t>(i % 40), 'x') + std::to_string(i));
  TokenTable table(texts.size() + 1);
  for (std::size_t i = 0; i < texts.size(); ++i) table.add(texts[i], static_cast<TokenId>(i));
  table.add(texts[5], static_cast<TokenId>(texts.size()));
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(table.find(texts[i]), static_cast<TokenId>(i)) << texts[i];
  for (const char* text : {"x", "xxxxxxxx", "0000", "999y"}) EXPECT_EQ(table.find(text), -1) << text;
}

TEST(WordCache, AsksOnceForEachWord) {
  std::vector<TokenId> ids = {7};
  WordCache cache(ids);
  int asked = 0;
  for (const std::string_view word : {"ab", "c", "ab", "", "ab", ""})
    cache.append(word, [&](std::string_view unknown) {
      ++asked;
      for (const char c : unknown) ids.push_back(c);
    });
  EXPECT_EQ(asked, 3);
  EXPECT_THAT(ids, ElementsAre(7, 'a', 'b', 'c', 'a', 'b', 'a', 'b'));
}

// --- composed texts

std::string composed_at_once(const std::string& text) {
  utf8proc_uint8_t* result = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &result,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  std::string composed(reinterpret_cast<const char*>(result), static_cast<std::size_t>(length));
  std::free(result);
  return composed;
}

TEST(Composed, RunsAreAsTheWholeText) {
  const char* const parts[] = {"a",
                               "e",
                               " ",
                               "\xcc\x81",
                               "\xcc\xa7",
                               "\xc3\xa9",
                               "\xc7\xa4",
                               "\xcd\x80",
                               "\xe2\x84\xab",
                               "\xe1\x84\x80",
                               "\xe1\x85\xa1",
                               "\xe1\x86\xa8",
                               "\xea\xb0\x80",
                               "\xe2\x80\x94",
                               "\xf0\x9d\x85\x97",
                               "q\xcc\xa3\xcc\x87"};
  RandomValues random(5);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += parts[random.below(std::ssize(parts))];
    ASSERT_EQ(composed(text), composed_at_once(text)) << text;
  }
  EXPECT_EQ(composed("e\xcc\x81 \xff e\xcc\x81"), "\xc3\xa9 \xff \xc3\xa9");
}

// --- SentencePiece

TEST(SentencePieceSettings, OfMessages) {
  const auto settings = [](std::string_view normalizer, std::string_view trainer = "") {
    std::string model = "\x0a\x03\x0a\x01x";  // a piece
    model += "\x12" + std::string(1, static_cast<char>(trainer.size())) + std::string(trainer);
    model += "\x1a" + std::string(1, static_cast<char>(normalizer.size())) + std::string(normalizer);
    return read_settings(model);
  };
  using namespace std::string_view_literals;
  const std::string_view plain = "\x0a\x08identity\x18\x01\x20\x00"sv;
  EXPECT_TRUE(settings(plain).adds_space);
  EXPECT_FALSE(settings(plain).changes_text);
  EXPECT_FALSE(settings("\x18\x00\x20\x00"sv).adds_space);
  EXPECT_TRUE(settings("\x18\x01"sv).changes_text) << "removes repeated spaces";
  EXPECT_TRUE(settings("\x20\x00\x28\x00"sv).changes_text) << "spaces stay spaces";
  EXPECT_TRUE(settings("\x12\x01x\x20\x00"sv).changes_text) << "a table of characters";
  EXPECT_TRUE(settings(plain, "\xc0\x01\x01"sv).changes_text) << "spaces behind words";
  EXPECT_TRUE(settings("\x20\x00\x18"sv).changes_text) << "cut off";
  EXPECT_TRUE(read_settings("\x22\x01x\x1a\x04\x18\x01\x20\x00"sv).changes_text)
      << "texts that the library tries";
  EXPECT_TRUE(read_settings("").changes_text);
  EXPECT_TRUE(read_settings("\x1a\x7f").changes_text);
  EXPECT_TRUE(read_settings("\xff\xff").changes_text);
}

// Words against the library's own way with the whole text.
TEST(SentencePiece, WordsMakeNoDifference) {
  BURIN_NEEDS_REFERENCE("tokenizers");
  BURIN_NEEDS_REFERENCE("eval/wikitext-2/wiki.test.raw");
  const std::string text = tests::read_bytes(tests::reference_path("eval/wikitext-2/wiki.test.raw"));
  const std::string samples[] = {text.substr(0, 60000),
                                 text.substr(500000, 60000) + " ",
                                 "",
                                 " ",
                                 "  ",
                                 "   three  spaces   and a tail  ",
                                 "\n \n  x\t y",
                                 "a \xe2\x96\x81 b\xe2\x96\x81 c",
                                 "\xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x99\x82 z",
                                 " lead"};
  for (const char* name :
       {"baichuan2-7b/tokenizer.model", "chatglm2-6b/tokenizer.model", "llama-2-7b/tokenizer.model",
        "mistral/tokenizer.model.v1", "mistral/mistral_instruct_tokenizer_240216.model.v2",
        "mistral/mistral_instruct_tokenizer_240323.model.v3",
        "mistral/mistral_instruct_tokenizer_241114.model.v7"}) {
    const std::string path = tests::reference_path(std::string("tokenizers/") + name).string();
    const std::unique_ptr<Tokenizer> tokenizer = Tokenizer::open(path);
    sentencepiece::SentencePieceProcessor library;
    ASSERT_TRUE(library.Load(path).ok()) << path;
    for (const std::string& sample : samples) {
      std::vector<int> expected;
      ASSERT_TRUE(library.Encode(sample, &expected).ok());
      const std::vector<TokenId> ids =
          tokenizer->encode(sample, {.add_special = false, .parse_special = false});
      EXPECT_EQ(ids, std::vector<TokenId>(expected.begin(), expected.end()))
          << path << ": " << sample.substr(0, 40);
    }
  }
}

}  // namespace
}  // namespace burin::runtime
