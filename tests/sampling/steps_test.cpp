// The steps of sampling one by one, against numbers worked out by hand from their definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "jit/error.hpp"
#include "runtime/sampling/logit_bias.hpp"
#include "runtime/sampling/mirostat.hpp"
#include "runtime/sampling/penalties.hpp"
#include "runtime/sampling/sampler.hpp"
#include "runtime/sampling/temperature.hpp"
#include "runtime/sampling/typical.hpp"
#include "runtime/sampling/xtc.hpp"

namespace burin::runtime {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Candidates candidates_of(const std::vector<double>& probabilities) {
  Candidates candidates;
  for (std::size_t id = 0; id < probabilities.size(); ++id)
    candidates.push_back({static_cast<float>(std::log(probabilities[id])) + 3, static_cast<TokenId>(id)});
  return candidates;
}

std::vector<TokenId> ids(const Candidates& candidates) {
  std::vector<TokenId> list;
  for (const Candidate& candidate : candidates) list.push_back(candidate.id);
  return list;
}

// --- Spread ---

TEST(Spread, IsTheEntropyInNats) {
  EXPECT_NEAR(spread(candidates_of({0.25, 0.25, 0.25, 0.25})).entropy, std::log(4.0), 1e-6);
  EXPECT_NEAR(spread(candidates_of({0.5, 0.25, 0.25})).entropy, 1.5 * std::log(2.0), 1e-6);
  EXPECT_NEAR(spread(candidates_of({0.2, 0.3, 0.5})).log_total, 3, 1e-6);
  EXPECT_NEAR(spread({{0, 0}, {-1e5f, 1}}).entropy, 0, 1e-6);  // a weight of 0
}

// --- Penalties ---

TEST(Penalties, PresenceCountsOnceFrequencyEachUse) {
  SamplingOptions options;
  options.presence_penalty = 0.5f;
  options.frequency_penalty = 0.25f;
  Penalties penalties(options, 3);
  RecentTokens recent(64);
  for (const TokenId token : {0, 0, 0, 1}) {
    penalties.accept(token, recent);
    recent.push(token);
  }
  std::vector<float> logits = {2, -2, 5};
  penalties.apply(logits);
  EXPECT_THAT(logits, ElementsAre(2 - 0.5f - 3 * 0.25f, -2 - 0.75f, 5));
}

TEST(Penalties, RepeatComesBeforeTheOthers) {
  SamplingOptions options;
  options.repeat_penalty = 2;
  options.presence_penalty = 1;
  Penalties penalties(options, 2);
  RecentTokens recent(64);
  penalties.accept(0, recent);
  std::vector<float> logits = {3, 0};
  penalties.apply(logits);
  EXPECT_THAT(logits, ElementsAre(0.5f, 0));
}

TEST(Penalties, ForgetWhatLeavesTheWindowOfALongerMemory) {
  SamplingOptions options;
  options.presence_penalty = 1;
  options.repeat_last = 2;
  Penalties penalties(options, 3);
  RecentTokens recent(10);
  for (const TokenId token : {0, 0, 1, 2}) {
    penalties.accept(token, recent);
    recent.push(token);
  }
  std::vector<float> logits = {0, 0, 0};
  penalties.apply(logits);
  EXPECT_THAT(logits, ElementsAre(0, -1, -1));
}

// --- Logit bias ---

TEST(LogitBiases, AddUpAndBan) {
  std::vector<float> logits = {1, 2, -kInfinity, 3e38f};
  const std::vector<LogitBias> biases = {{0, 1.5f}, {0, -1}, {1, -kInfinity}, {2, 5}, {3, 3e38f}};
  add_logit_biases(logits, biases);
  EXPECT_THAT(logits, ElementsAre(1.5f, -kInfinity, -kInfinity, kLargestLogit));
  EXPECT_THROW(check_logit_biases(std::vector<LogitBias>{{4, 0}}, 4), Error);
  EXPECT_THROW(check_logit_biases(std::vector<LogitBias>{{-1, 0}}, 4), Error);
}

TEST(LogitBiases, WorkForGreedyAndDraws) {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingOptions options;
    options.temperature = temperature;
    options.logit_bias = {{0, -kInfinity}, {2, 20}};
    Sampler sampler(options, {.size = 3});
    for (int i = 0; i < 20; ++i) EXPECT_EQ(sampler.sample(std::vector<float>{9, 1, 1}), 2);
  }
}

TEST(LogitBiases, BanningAllIsRefusedByName) {
  SamplingOptions options;
  options.logit_bias = {{0, -kInfinity}, {1, -kInfinity}};
  Sampler sampler(options, {.size = 2});
  try {
    sampler.sample(std::vector<float>{1, 2});
    FAIL() << "a banned token was picked";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("logit_bias"));
  }
}

// --- Typical ---

// Of 0.5, 0.25, 0.15, 0.1 the entropy is 1.208; the surprises are 0.693, 1.386, 1.897, 2.303, which are 0.515, 0.178,
// 0.689, 1.095 off.
TEST(Typical, KeepsTheLeastSurprisingDifferences) {
  const std::vector<double> probabilities = {0.5, 0.25, 0.15, 0.1};
  const std::vector<std::pair<float, std::vector<TokenId>>> expected = {
      {0.2f, {1}}, {0.3f, {1, 0}}, {0.74f, {1, 0}}, {0.8f, {1, 0, 2}}, {0.95f, {1, 0, 2, 3}}};
  for (const auto& [share, kept] : expected) {
    Candidates candidates = candidates_of(probabilities);
    keep_typical(candidates, share);
    EXPECT_EQ(ids(candidates), kept) << share;
  }
  Candidates candidates = candidates_of(probabilities);
  keep_typical(candidates, 1);
  EXPECT_EQ(candidates.size(), 4u);
}

TEST(Typical, CanLeaveOutTheBestOfGreedySampling) {
  SamplingOptions options;
  options.temperature = 0;
  options.typical = 0.2f;
  Sampler sampler(options, {.size = 4});
  std::vector<float> logits;
  for (const double p : {0.5, 0.25, 0.15, 0.1}) logits.push_back(static_cast<float>(std::log(p)));
  EXPECT_EQ(sampler.sample(logits), 1);
}

// --- XTC ---

TEST(Xtc, LeavesTheLeastOfTheTopChoices) {
  SplitMix64 random(1);
  Candidates candidates = candidates_of({0.3, 0.05, 0.4, 0.2, 0.05});
  exclude_top_choices(candidates, 1, 0.15f, random);
  EXPECT_THAT(ids(candidates), ElementsAre(1, 3, 4));
  candidates = candidates_of({0.3, 0.05, 0.4, 0.2, 0.05});
  exclude_top_choices(candidates, 1, 0.35f, random);  // one top choice stays
  EXPECT_EQ(candidates.size(), 5u);
  exclude_top_choices(candidates, 1, 0.5f, random);  // none
  EXPECT_EQ(candidates.size(), 5u);
}

TEST(Xtc, HappensAsOftenAsItsProbability) {
  SplitMix64 random(3);
  int excluded = 0;
  for (int i = 0; i < 10'000; ++i) {
    Candidates candidates = candidates_of({0.6, 0.4});
    exclude_top_choices(candidates, 0.3f, 0.1f, random);
    if (candidates.size() == 1) ++excluded;
  }
  EXPECT_NEAR(excluded, 3000, 200);
}

TEST(Xtc, OffDrawsNoNumber) {
  SplitMix64 random(3);
  Candidates candidates = candidates_of({0.6, 0.4});
  exclude_top_choices(candidates, 0, 0.1f, random);
  exclude_top_choices(candidates, 1, 0.6f, random);
  EXPECT_EQ(random.state(), SplitMix64(3).state());
  EXPECT_EQ(candidates.size(), 2u);
}

// --- Dynamic temperature ---

TEST(DynamicTemperature, GoesFromTheLeastToTheMostWithTheEntropy) {
  SamplingOptions options;
  options.temperature = 1;
  options.dynatemp_range = 0.5f;
  EXPECT_NEAR(temperature_for(candidates_of({0.25, 0.25, 0.25, 0.25}), options), 1.5, 1e-5);
  EXPECT_NEAR(temperature_for({{0, 0}, {-1e4f, 1}}, options), 0.5, 1e-5);
  const double share = 1.5 * std::log(2.0) / std::log(3.0);  // entropy of 1/2, 1/4, 1/4 over that of thirds
  EXPECT_NEAR(temperature_for(candidates_of({0.5, 0.25, 0.25}), options), 0.5 + share, 1e-5);
  options.dynatemp_exponent = 2;
  EXPECT_NEAR(temperature_for(candidates_of({0.5, 0.25, 0.25}), options), 0.5 + share * share, 1e-5);
}

TEST(DynamicTemperature, IsNeverBelowZero) {
  SamplingOptions options;
  options.temperature = 0.5f;
  options.dynatemp_range = 2;
  EXPECT_NEAR(temperature_for({{0, 0}, {-1e4f, 1}}, options), 0, 1e-5);
  options.dynatemp_range = 0;
  EXPECT_EQ(temperature_for(candidates_of({0.5, 0.5}), options), 0.5f);
}

// --- Mirostat ---

TEST(Mirostat, DropsWhatIsMoreSurprisingThanMu) {
  SamplingOptions options;
  options.mirostat_tau = 1;  // mu begins at 2 bits: a quarter is just not too surprising
  options.mirostat_eta = 0;
  std::set<TokenId> seen;
  SplitMix64 random(5);
  std::vector<double> weights;
  for (int i = 0; i < 500; ++i) {
    Mirostat mirostat(options);
    Candidates candidates = candidates_of({0.45, 0.3, 0.15, 0.1});
    seen.insert(mirostat.pick(candidates, 1, random, weights));
  }
  EXPECT_THAT(seen, UnorderedElementsAre(0, 1));
}

TEST(Mirostat, MuFollowsTheSurpriseOfWhatWasLeft) {
  SamplingOptions options;
  options.mirostat_tau = 2;
  options.mirostat_eta = 0.5f;
  Mirostat mirostat(options);
  EXPECT_EQ(mirostat.mu(), 4);
  SplitMix64 random(5);
  std::vector<double> weights;
  Candidates candidates = candidates_of({0.5, 0.5});
  mirostat.pick(candidates, 1, random, weights);  // 1 bit, one below tau
  EXPECT_NEAR(mirostat.mu(), 4.5, 1e-6);
  candidates = candidates_of({0.7, 0.3});
  mirostat.set_mu(-3);
  EXPECT_EQ(mirostat.pick(candidates, 1, random, weights), 0);  // the best stays; no surprise is left
  EXPECT_NEAR(mirostat.mu(), -2, 1e-6);
}

TEST(Mirostat, KeepsTheSurpriseNearItsTarget) {
  SamplingOptions options;
  options.temperature = 1;
  options.mirostat = 2;
  options.mirostat_tau = 3;
  Sampler sampler(options, {.size = 1000});
  std::vector<float> logits;  // Zipf's law
  for (int rank = 1; rank <= 1000; ++rank) logits.push_back(-std::log(static_cast<float>(rank)));
  double bits = 0;
  constexpr int kTokens = 4000;
  for (int i = 0; i < kTokens; ++i) {
    const float mu = sampler.state().mirostat_mu;
    sampler.sample(logits);
    bits += 3 - (sampler.state().mirostat_mu - mu) / options.mirostat_eta;
  }
  EXPECT_NEAR(bits / kTokens, 3, 0.05);
}

// --- The chain ---

TEST(Chain, EveryStepIsReached) {
  const std::vector<float> logits = {2, 1.5f, 1, 0.5f, 0, -0.5f, -1};
  const auto sequence = [&](const SamplingOptions& options) {
    Sampler sampler(options, {.size = logits.size()});
    std::vector<TokenId> tokens;
    for (int i = 0; i < 40; ++i) {
      tokens.push_back(sampler.sample(logits));
      sampler.accept(tokens.back());
    }
    return tokens;
  };
  const SamplingOptions plain = {.top_k = 0, .top_p = 1, .min_p = 0};
  const std::vector<TokenId> tokens = sequence(plain);
  const auto changed = [&](auto change) {
    SamplingOptions options = plain;
    options.dry_sequence_breakers.clear();
    change(options);
    return sequence(options) != tokens;
  };
  EXPECT_FALSE(changed([](SamplingOptions&) {}));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.presence_penalty = 1; }));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.frequency_penalty = 1; }));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.typical = 0.5f; }));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.xtc_probability = 1; }));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.dynatemp_range = 0.7f; }));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.dry_multiplier = 5; }));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.mirostat = 2, o.mirostat_tau = 1; }));
  EXPECT_TRUE(changed([](SamplingOptions& o) { o.logit_bias = {{0, -9}}; }));
}

TEST(Chain, StatesGoOnWhereTheyWere) {
  const std::vector<float> logits = {2, 1.5f, 1, 0.5f, 0, -0.5f, -1};
  for (const int mirostat : {0, 2}) {
    SamplingOptions options;
    options.dry_sequence_breakers.clear();
    options.dry_multiplier = 1;
    options.dry_penalty_last_n = 90;
    options.xtc_probability = 0.5f;
    options.frequency_penalty = 0.1f;
    options.mirostat = mirostat;
    Sampler sampler(options, {.size = logits.size()});
    for (int i = 0; i < 50; ++i) sampler.accept(sampler.sample(logits));
    Sampler other(sampler.state(), {.size = logits.size()});
    for (int i = 0; i < 50; ++i) {
      const TokenId token = sampler.sample(logits);
      ASSERT_EQ(other.sample(logits), token) << i;
      sampler.accept(token);
      other.accept(token);
    }
  }
}

}  // namespace
}  // namespace burin::runtime
