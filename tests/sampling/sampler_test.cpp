#include "runtime/sampling/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "jit/error.hpp"
#include "runtime/sampling/random.hpp"
#include "tests/sampling/made_tokenizer.hpp"
#include "tests/support/allocation_watch.hpp"

namespace burin::runtime {
namespace {

using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

SamplingOptions plain(std::uint64_t seed = 1) {
  SamplingOptions options = plain_sampling();
  options.seed = seed;
  return options;
}

SamplingOptions greedy() {
  SamplingOptions options;
  options.temperature = 0;
  return options;
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

std::vector<int> draw_counts(Sampler& sampler, const std::vector<float>& logits, int draws) {
  std::vector<int> counts(logits.size(), 0);
  for (int i = 0; i < draws; ++i) ++counts[static_cast<std::size_t>(sampler.sample(logits))];
  return counts;
}

// The tokens that come up at all in so many draws that each that can does.
std::set<TokenId> support(const SamplingOptions& options, const std::vector<float>& logits) {
  Sampler sampler(options, {.size = logits.size()});
  std::set<TokenId> seen;
  for (int i = 0; i < 4000; ++i) seen.insert(sampler.sample(logits));
  return seen;
}

// Pearson's statistic; tokens of probability 0 must not have come up.
double chi_square(const std::vector<int>& counts, const std::vector<double>& probabilities, int draws) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = probabilities[i] * draws;
    if (expected == 0) {
      EXPECT_EQ(counts[i], 0) << "token " << i;
      continue;
    }
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

// --- The draw ---

// 20.5 is the 99.9 % quantile for 5 degrees of freedom; the seeds are fixed, so this does not flake.
TEST(Sampler, DrawsInProportionToTheProbabilities) {
  const std::vector<double> probabilities = {0.4, 0.25, 0.2, 0.1, 0.04, 0.01};
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Sampler sampler(plain(seed), {.size = probabilities.size()});
    const std::vector<int> counts = draw_counts(sampler, logits_of(probabilities), 20000);
    EXPECT_LT(chi_square(counts, probabilities, 20000), 20.5) << "seed " << seed;
  }
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  const std::vector<double> probabilities = {0.5, 0.3, 0.15, 0.05};
  for (const float temperature : {0.5f, 2.0f}) {
    SamplingOptions options = plain(3);
    options.temperature = temperature;
    std::vector<double> expected;
    double total = 0;
    for (const double p : probabilities) total += std::pow(p, 1 / static_cast<double>(temperature));
    for (const double p : probabilities) {
      expected.push_back(std::pow(p, 1 / static_cast<double>(temperature)) / total);
    }
    Sampler sampler(options, {.size = probabilities.size()});
    const std::vector<int> counts = draw_counts(sampler, logits_of(probabilities), 20000);
    EXPECT_LT(chi_square(counts, expected, 20000), 16.3);  // 99.9 %, 3 degrees of freedom
    EXPECT_GT(chi_square(counts, probabilities, 20000), 1000) << "the test cannot tell temperatures apart";
  }
}

TEST(Sampler, TemperatureComesAfterTheFilters) {
  SamplingOptions options = plain();
  options.temperature = 50;  // nearly flat: were it first, top-p would have to keep all
  options.top_p = 0.6f;
  EXPECT_THAT(support(options, logits_of({0.5, 0.3, 0.15, 0.05})), ElementsAre(0, 1));
}

TEST(Sampler, TinyTemperatureIsGreedy) {
  SamplingOptions options = plain();
  options.temperature = 1e-30f;
  EXPECT_THAT(support(options, {1.0f, 1.001f, -3.0f}), ElementsAre(1));
}

// --- The filters ---

const std::vector<double> kMixed = {0.05, 0.3, 0.1, 0.35, 0.2};  // best first: 3 1 4 2 0

TEST(Sampler, TopKKeepsExactlyTheKBest) {
  const std::vector<std::set<TokenId>> expected = {{3}, {1, 3}, {1, 3, 4}, {1, 2, 3, 4}, {0, 1, 2, 3, 4}};
  for (int k = 1; k <= 7; ++k) {
    SamplingOptions options = plain();
    options.top_k = k;
    EXPECT_EQ(support(options, logits_of(kMixed)), expected[static_cast<std::size_t>(std::min(k, 5) - 1)])
        << k;
  }
}

TEST(Sampler, TopKPrefersLowerIdsAmongEquals) {
  SamplingOptions options = plain();
  options.top_k = 3;
  EXPECT_THAT(support(options, {1, 2, 1, 1, 1}), ElementsAre(0, 1, 2));
}

TEST(Sampler, TopPKeepsTheShortestRunThatHoldsItsShare) {
  const std::map<float, std::set<TokenId>> expected = {{0.0f, {3}},
                                                       {0.34f, {3}},
                                                       {0.36f, {1, 3}},
                                                       {0.64f, {1, 3}},
                                                       {0.66f, {1, 3, 4}},
                                                       {0.84f, {1, 3, 4}},
                                                       {0.86f, {1, 2, 3, 4}},
                                                       {0.96f, {0, 1, 2, 3, 4}},
                                                       {1.0f, {0, 1, 2, 3, 4}}};
  for (const auto& [top_p, kept] : expected) {
    SamplingOptions options = plain();
    options.top_p = top_p;
    EXPECT_EQ(support(options, logits_of(kMixed)), kept) << top_p;
  }
}

// More tokens than one block of the partial sort: p of 400 equal ones are the first p * 400 ids.
TEST(Sampler, TopPReachesBeyondTheFirstBlocks) {
  const std::vector<float> logits(400, 0.5f);
  for (const double share : {0.089, 0.159, 0.161, 0.5, 0.799, 0.801, 0.999}) {
    SamplingOptions options = plain();
    options.top_p = static_cast<float>(share);
    Sampler sampler(options, {.size = logits.size()});
    TokenId highest = 0;
    for (int i = 0; i < 6000; ++i) highest = std::max(highest, sampler.sample(logits));
    EXPECT_EQ(highest + 1, static_cast<TokenId>(std::ceil(share * 400))) << share;
  }
}

TEST(Sampler, MinPKeepsWhatIsProbableEnoughNextToTheBest) {
  // Next to 0.35: 0.05 is 0.143 of it, 0.1 is 0.286, 0.2 is 0.571, 0.3 is 0.857.
  const std::map<float, std::set<TokenId>> expected = {{0.0f, {0, 1, 2, 3, 4}},
                                                       {0.14f, {0, 1, 2, 3, 4}},
                                                       {0.15f, {1, 2, 3, 4}},
                                                       {0.28f, {1, 2, 3, 4}},
                                                       {0.29f, {1, 3, 4}},
                                                       {0.57f, {1, 3, 4}},
                                                       {0.58f, {1, 3}},
                                                       {0.85f, {1, 3}},
                                                       {0.86f, {3}},
                                                       {1.0f, {3}}};
  for (const auto& [min_p, kept] : expected) {
    SamplingOptions options = plain();
    options.min_p = min_p;
    EXPECT_EQ(support(options, logits_of(kMixed)), kept) << min_p;
  }
}

TEST(Sampler, TopPCountsOnlyWhatTopKLeft) {
  SamplingOptions options = plain();
  options.top_k = 2;     // 0.35 and 0.3, that is 0.538 and 0.462 of what is left
  options.top_p = 0.5f;  // of all tokens it would take two to hold this share
  EXPECT_THAT(support(options, logits_of(kMixed)), ElementsAre(3));
}

TEST(Sampler, FilteredDrawsKeepTheirProportions) {
  SamplingOptions options = plain(9);
  options.top_k = 4;
  options.top_p = 0.8f;
  Sampler sampler(options, {.size = kMixed.size()});
  const std::vector<int> counts = draw_counts(sampler, logits_of(kMixed), 20000);
  EXPECT_LT(chi_square(counts, {0, 0.3 / 0.85, 0, 0.35 / 0.85, 0.2 / 0.85}, 20000), 13.8);
}

// --- Greedy ---

TEST(Sampler, GreedyTakesTheLowestIdOfTheLargest) {
  Sampler sampler(greedy(), {.size = 5});
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 2, 3, 3}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-5, -4, -4, -6, -7}), 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{0, 0, 0, 0, 0}), 0);
}

// --- Penalty ---

TEST(Sampler, PenaltyDividesPositiveAndMultipliesNegativeLogits) {
  SamplingOptions options = greedy();
  options.repeat_penalty = 2;
  Sampler sampler(options, {.size = 2});
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(std::vector<float>{4, 2.1f}), 1);  // 4 / 2 = 2
  EXPECT_EQ(sampler.sample(std::vector<float>{4, 1.9f}), 0);
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -1.9f}), 1);  // -1 * 2 = -2
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -2.1f}), 0);
}

TEST(Sampler, PenaltyCountsATokenOnce) {
  SamplingOptions options = greedy();
  options.repeat_penalty = 2;
  Sampler sampler(options, {.size = 2});
  for (int i = 0; i < 5; ++i) sampler.accept(0);
  EXPECT_EQ(sampler.sample(std::vector<float>{4, 1.9f}), 0);
}

TEST(Sampler, PenaltyLooksBackRepeatLastTokens) {
  SamplingOptions options = greedy();
  options.repeat_penalty = 2;
  options.repeat_last = 3;
  Sampler sampler(options, {.size = 3});
  const std::vector<float> logits = {4, 3, -9};
  sampler.accept(0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(sampler.sample(logits), 1) << i;
    sampler.accept(2);
  }
  EXPECT_EQ(sampler.sample(logits), 1);
  sampler.accept(0);  // once more, while the first is about to leave
  sampler.accept(2);
  sampler.accept(2);
  EXPECT_EQ(sampler.sample(logits), 1);
  sampler.accept(2);
  EXPECT_EQ(sampler.sample(logits), 0);
}

TEST(Sampler, NoLookBackMeansNoPenalty) {
  SamplingOptions options = greedy();
  options.repeat_penalty = 100;
  options.repeat_last = 0;
  Sampler sampler(options, {.size = 2});
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(std::vector<float>{4, 3}), 0);
}

TEST(Sampler, PenaltyChangesDrawsToo) {
  SamplingOptions options = plain(4);
  options.repeat_penalty = 2;
  Sampler sampler(options, {.size = 2});
  sampler.accept(1);
  // exp(2) : exp(2 / 2)
  const double first = std::exp(2.0) / (std::exp(2.0) + std::exp(1.0));
  const std::vector<int> counts = draw_counts(sampler, {2, 2}, 20000);
  EXPECT_LT(chi_square(counts, {first, 1 - first}, 20000), 10.8);
}

TEST(Sampler, HugeLogitsSurviveThePenalty) {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingOptions options = plain();
    options.temperature = temperature;
    options.repeat_penalty = 100;
    Sampler sampler(options, {.size = 2});
    sampler.accept(0);
    EXPECT_EQ(sampler.sample(std::vector<float>{-3e38f, -kInfinity}), 0);
  }
}

// --- Numbers that are none ---

TEST(Sampler, NeverPicksNaNOrMinusInfinity) {
  const std::vector<float> logits = {kNaN, -kInfinity, 0, kNaN, -2};
  EXPECT_THAT(support(plain(), logits), ElementsAre(2, 4));
  EXPECT_THAT(support(SamplingOptions{}, logits), ElementsAre(2, 4));
  EXPECT_THAT(support(greedy(), logits), ElementsAre(2));
}

TEST(Sampler, PlusInfinityIsTheLargestFloat) {
  const std::vector<float> logits = {3e38f, kInfinity, 0, kInfinity};
  EXPECT_THAT(support(plain(), logits), ElementsAre(1, 3));
  EXPECT_THAT(support(greedy(), logits), ElementsAre(1));
}

TEST(Sampler, RefusesLogitsWithoutANumber) {
  for (const SamplingOptions& options : {plain(), greedy(), SamplingOptions{}}) {
    Sampler sampler(options, {.size = 3});
    EXPECT_THROW(sampler.sample(std::vector<float>{kNaN, kNaN, kNaN}), Error);
    EXPECT_THROW(sampler.sample(std::vector<float>{-kInfinity, kNaN, -kInfinity}), Error);
  }
}

// --- Refusals ---

TEST(Sampler, RefusesWhatDoesNotFitTheVocabulary) {
  EXPECT_THROW(Sampler(plain(), {.size = 0}), Error);
  Sampler sampler(plain(), {.size = 3});
  EXPECT_THROW(sampler.sample(std::vector<float>(2)), Error);
  EXPECT_THROW(sampler.sample(std::vector<float>(4)), Error);
  EXPECT_THROW(sampler.accept(3), Error);
  EXPECT_THROW(sampler.accept(-1), Error);
}

// --- The same everywhere ---

// Logits that need no library to be made, so that the golden tokens hold on every machine.
std::vector<float> made_up_logits(std::size_t count, std::uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<float> logits;
  for (std::size_t i = 0; i < count; ++i) logits.push_back(static_cast<float>(random.next_unit() * 16 - 8));
  return logits;
}

std::vector<TokenId> sequence(const SamplingOptions& options, int length) {
  constexpr std::size_t kVocabulary = 300;
  Sampler sampler(options, {.size = kVocabulary});
  std::vector<TokenId> tokens;
  for (int i = 0; i < length; ++i) {
    tokens.push_back(sampler.sample(made_up_logits(kVocabulary, static_cast<std::uint64_t>(i))));
    sampler.accept(tokens.back());
  }
  return tokens;
}

TEST(Sampler, SameSeedSameTokens) {
  SamplingOptions options;
  options.seed = 42;
  const std::vector<TokenId> tokens = sequence(options, 40);
  EXPECT_EQ(sequence(options, 40), tokens);
  options.seed = 43;
  EXPECT_NE(sequence(options, 40), tokens);
}

TEST(Sampler, GivesTheGoldenTokens) {
  SamplingOptions options;
  options.repeat_penalty = 1.1f;
  options.seed = 2024;
  EXPECT_THAT(sequence(options, 12), ElementsAre(106, 105, 46, 147, 46, 116, 20, 25, 24, 264, 8, 210));
  options.top_k = 0;
  options.temperature = 1.5f;
  EXPECT_THAT(sequence(options, 12), ElementsAre(211, 116, 97, 163, 287, 15, 58, 99, 165, 232, 185, 73));
}

TEST(Sampler, AllocatesNothingAfterConstruction) {
  const std::vector<float> logits = made_up_logits(5000, 1);
  SamplingOptions wide = plain();
  wide.top_p = 0.999f;
  wide.repeat_penalty = 1.2f;
  SamplingOptions all;
  all.presence_penalty = 0.1f;
  all.typical = 0.9f;
  all.xtc_probability = 0.5f;
  all.dynatemp_range = 0.5f;
  all.dry_multiplier = 1;
  all.dry_sequence_breakers.clear();
  all.logit_bias = {{3, 1}};
  SamplingOptions mirostat = all;
  mirostat.mirostat = 2;
  for (const SamplingOptions& options : {plain(), greedy(), SamplingOptions{}, wide, all, mirostat}) {
    Sampler sampler(options, {.size = logits.size()});
    EXPECT_EQ(tests::allocations_of([&] {
                for (int i = 0; i < 100; ++i) sampler.accept(sampler.sample(logits));
              }),
              0);
  }
  std::vector<std::string> numbers;
  for (int i = 0; i < 5000; ++i) numbers.push_back(std::to_string(i));
  const tests::MadeTokenizer tokenizer(numbers, 0);
  SamplingOptions grammar = plain();
  grammar.grammar = "root ::= (list | [1-4]{1,99}) root?\nlist ::= [5-9] (list | \"0\")? [5-9]";
  Sampler sampler(grammar, {.size = logits.size(), .tokenizer = &tokenizer});
  EXPECT_EQ(tests::allocations_of([&] {
              for (int i = 0; i < 100; ++i) sampler.accept(sampler.sample(logits));
            }),
            0);
  EXPECT_EQ(tests::allocations_of([] { ::operator delete(::operator new(1)); }), 1) << "nothing is counted";
}

}  // namespace
}  // namespace burin::runtime
