#include "runtime/sampling/dry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "jit/error.hpp"
#include "runtime/sampling/random.hpp"
#include "runtime/sampling/sampler.hpp"
#include "tests/sampling/made_tokenizer.hpp"

namespace burin::runtime {
namespace {

using testing::ElementsAre;

// One token per letter.
const tests::MadeTokenizer kLetters({"a", "b", "c", "d", "e", ":", "x:y", "::"});

SamplingOptions options_with(int allowed, std::vector<std::string> breakers = {}) {
  SamplingOptions options;
  options.dry_multiplier = 1;
  options.dry_base = 2;
  options.dry_allowed_length = allowed;
  options.dry_sequence_breakers = std::move(breakers);
  return options;
}

// What is taken off each token's logit behind this text.
std::vector<float> penalties(const std::string& text, const SamplingOptions& options) {
  const auto breakers = std::make_shared<SequenceBreakers>(kLetters, options.dry_sequence_breakers);
  Dry dry(options, kLetters.vocabulary_size(), breakers);
  RecentTokens recent(static_cast<std::size_t>(options.dry_penalty_last_n));
  for (const TokenId token : kLetters.encode(text)) recent.push(token);
  std::vector<float> logits(kLetters.vocabulary_size(), 0);
  dry.apply(logits, recent);
  dry.apply(logits, recent);  // nothing is left of the first time
  for (float& logit : logits) logit = -logit / 2;
  return logits;
}

TEST(Dry, PenalisesWhatFollowedTheLongestRepeat) {
  // "abc" came before "d": 2^(3 - 2). "bc" before "e" as well: 2^0.
  EXPECT_THAT(penalties("abcdbceabc", options_with(2)), ElementsAre(0, 0, 0, 2, 1, 0, 0, 0));
  EXPECT_THAT(penalties("abcdbceabc", options_with(3)), ElementsAre(0, 0, 0, 1, 0, 0, 0, 0));
  EXPECT_THAT(penalties("abcdbceabc", options_with(4)), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(penalties("abcdbceabc", options_with(1)), ElementsAre(0, 0, 0, 4, 2, 0, 0, 0));
}

TEST(Dry, ShortTextsHaveNoRepeats) {
  EXPECT_THAT(penalties("", options_with(2)), testing::Each(0));
  EXPECT_THAT(penalties("ab", options_with(2)), testing::Each(0));
  EXPECT_THAT(penalties("abcde", options_with(1)), testing::Each(0));
}

TEST(Dry, OverlappingRepeatsCount) {
  // "aaaa" ends with "aaa", which "a" followed: 2^(3 - 2).
  EXPECT_THAT(penalties("aaaa", options_with(2)), ElementsAre(2, 0, 0, 0, 0, 0, 0, 0));
}

TEST(Dry, LooksBackNoFurtherThanItsWindow) {
  SamplingOptions options = options_with(2);
  options.dry_penalty_last_n = 6;  // of "abcdbceabc" the last "bceabc"
  EXPECT_THAT(penalties("abcdbceabc", options), ElementsAre(0, 0, 0, 0, 1, 0, 0, 0));
}

TEST(Dry, BreakersEndRepeats) {
  // Without them "a:b" would be three tokens; with it only "b" counts, which is too short.
  EXPECT_THAT(penalties("a:bca:b", options_with(2)), ElementsAre(0, 0, 2, 0, 0, 0, 0, 0));
  EXPECT_THAT(penalties("a:bca:b", options_with(2, {":"})), testing::Each(0));
  EXPECT_THAT(penalties("a:bca:b", options_with(1, {":"})), ElementsAre(0, 0, 1, 0, 0, 0, 0, 0));
  // Two tokens break where the text spans them.
  EXPECT_THAT(penalties("abcdabc", options_with(2, {"bc"})), testing::Each(0));
}

TEST(Dry, BreakersAreNotPenalised) {
  EXPECT_THAT(penalties("ab:cab", options_with(2)), ElementsAre(0, 0, 0, 0, 0, 1, 0, 0));
  EXPECT_THAT(penalties("ab:cab", options_with(2, {":"})), testing::Each(0));
}

TEST(Dry, ThePowerStaysAFloat) {
  SamplingOptions options = options_with(1);
  options.dry_base = 100;
  const float penalty = penalties(std::string(64, 'a'), options)[0];
  EXPECT_GT(penalty, 1e37f);
  EXPECT_TRUE(std::isfinite(penalty));
}

// Against the definition, on texts with many repeats.
TEST(Dry, IsTheDefinition) {
  SplitMix64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::uint64_t i = 0, n = random.next() % 40; i < n; ++i)
      text += static_cast<char>('a' + static_cast<int>(random.next() % 2));
    std::vector<float> expected(kLetters.vocabulary_size(), 0);
    for (std::size_t end = 1; end < text.size(); ++end) {
      std::size_t length = 0;
      while (length < end && text[end - 1 - length] == text[text.size() - 1 - length]) ++length;
      float& most = expected[static_cast<std::size_t>(text[end] - 'a')];
      if (length >= 2) most = std::max(most, std::pow(2.0f, static_cast<float>(length) - 2));
    }
    EXPECT_EQ(penalties(text, options_with(2)), expected) << text;
  }
}

TEST(SequenceBreakers, FindWholeAndSplitTexts) {
  const SequenceBreakers breakers(kLetters, {":", "dea"});
  EXPECT_TRUE(breakers.is_one(5));
  EXPECT_TRUE(breakers.is_one(6));
  EXPECT_TRUE(breakers.is_one(7));
  EXPECT_FALSE(breakers.is_one(3));  // needs "ea" behind it
  RecentTokens recent(20);
  for (const TokenId token : kLetters.encode("abdeabc")) recent.push(token);
  EXPECT_EQ(breakers.tokens_behind_last(recent, 7), 2u);
  EXPECT_EQ(breakers.tokens_behind_last(recent, 3), 3u);
}

TEST(SequenceBreakers, NeedATokenizer) {
  EXPECT_THROW(Sampler(options_with(2, {":"}), {.size = 8}), Error);
  EXPECT_NO_THROW(Sampler(options_with(2), {.size = 8}));
  EXPECT_NO_THROW(Sampler(SamplingOptions{}, {.size = 8}));
}

}  // namespace
}  // namespace burin::runtime
