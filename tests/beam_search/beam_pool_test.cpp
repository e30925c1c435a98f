// The bookkeeping of beam search, against searches that are too simple to be wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/beam_search/markov_table.hpp"
#include "tests/support/refusal.hpp"

namespace burin::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::advance;
using tests::MarkovTable;
using tests::search;
using Tokens = std::vector<TokenId>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double power(std::size_t length, double penalty) { return std::pow(static_cast<double>(length), penalty); }

bool is_better(const FinishedText& a, const FinishedText& b) { return a.score > b.score; }

void expect_same(const std::vector<FinishedText>& texts, const std::vector<FinishedText>& expected) {
  ASSERT_EQ(texts.size(), expected.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(texts[i].tokens, expected[i].tokens) << i;
    EXPECT_EQ(texts[i].reason, expected[i].reason) << i;
    EXPECT_NEAR(texts[i].score, expected[i].score, 1e-9) << i;
  }
}

// --- every text there is

class EveryText {
 public:
  EveryText(const MarkovTable& table, const BeamSearchOptions& options, std::size_t most)
      : table_(table), options_(options), most_(most) {
    extend({}, 0);
    std::sort(texts_.begin(), texts_.end(), is_better);
  }
  const std::vector<FinishedText>& texts() const { return texts_; }

 private:
  void extend(const Tokens& tokens, double sum) {
    const std::size_t length = tokens.size() + 1;
    for (TokenId next = 0; next <= tests::end_of(table_); ++next) {
      const double total = sum + table_.log_probability(tokens, next);
      const double score = total / power(length, options_.length_penalty);
      Tokens longer = tokens;
      longer.push_back(next);
      if (next != tests::end_of(table_) && length < most_)
        extend(longer, total);
      else if (next != tests::end_of(table_))
        texts_.push_back({longer, score, StopReason::length});
      else if (static_cast<std::int64_t>(tokens.size()) >= options_.min_new_tokens)
        texts_.push_back({tokens, score, StopReason::end_of_text});
    }
  }

  const MarkovTable& table_;
  BeamSearchOptions options_;
  std::size_t most_;
  std::vector<FinishedText> texts_;
};

// With beams for all of them, beam search is exhaustive.
TEST(BeamPool, FindsAllTextsWhereThereAreBeamsEnough) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const double length_penalty : {0.0, 1.0, 2.5, -1.0})
      for (const std::int64_t least : {0, 2}) {
        const MarkovTable table(seed, 3, 5);
        const BeamSearchOptions options = {
            .beams = 64, .length_penalty = length_penalty, .min_new_tokens = least};
        const EveryText every(table, options, 5);
        EXPECT_EQ(every.texts().size(), least == 0 ? 63u : 60u);
        expect_same(search(table, options, 5), every.texts());
      }
}

TEST(BeamPool, OfFewBeamsTheBestTextIsOneOfThem) {
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const MarkovTable table(seed, 4, 6);
    const BeamSearchOptions options = {.beams = 2, .length_penalty = 0};
    const FinishedText best = search(table, options, 6).front();
    const std::vector<FinishedText> every = EveryText(table, options, 6).texts();
    EXPECT_LE(best.score, every.front().score + 1e-12);
    found += best.tokens == every.front().tokens ? 1 : 0;
  }
  EXPECT_GT(found, 20);
  EXPECT_LT(found, 40) << "a search of two beams that misses nothing is another search";
}

// --- the published rules, written down once more

struct PlainBeam {
  Tokens tokens;
  double sum = 0;
};

struct PlainStep {
  double sum;
  std::size_t beam;
  TokenId token;
};

std::vector<PlainStep> all_steps(const MarkovTable& table, const std::vector<PlainBeam>& beams) {
  std::vector<PlainStep> steps;
  for (std::size_t beam = 0; beam < beams.size(); ++beam)
    for (TokenId token = 0; token <= tests::end_of(table); ++token)
      steps.push_back({beams[beam].sum + table.log_probability(beams[beam].tokens, token), beam, token});
  std::sort(steps.begin(), steps.end(), [](const PlainStep& a, const PlainStep& b) { return a.sum > b.sum; });
  return steps;
}

void keep_best(std::vector<FinishedText>& texts, std::size_t count) {
  std::sort(texts.begin(), texts.end(), is_better);
  texts.resize(std::min(texts.size(), count));
}

std::vector<FinishedText> plain_search(const MarkovTable& table, const BeamSearchOptions& options, int most) {
  const auto wanted = static_cast<std::size_t>(options.beams);
  std::vector<PlainBeam> beams(1);
  std::vector<FinishedText> texts;
  for (int length = 1; length <= most; ++length) {
    const double divisor = power(static_cast<std::size_t>(length), options.length_penalty);
    const std::vector<PlainStep> steps = all_steps(table, beams);
    std::vector<PlainBeam> next;
    for (std::size_t rank = 0; rank < std::min(steps.size(), 2 * wanted); ++rank) {
      Tokens tokens = beams[steps[rank].beam].tokens;
      const bool ends = steps[rank].token == tests::end_of(table);
      if (ends && rank < wanted)
        texts.push_back({tokens, steps[rank].sum / divisor, StopReason::end_of_text});
      tokens.push_back(steps[rank].token);
      if (!ends && next.size() < wanted) next.push_back({tokens, steps[rank].sum});
    }
    keep_best(texts, wanted);
    beams = next;
    const bool enough = texts.size() == wanted;
    if (enough && (options.early_stopping || texts.back().score >= steps[0].sum / divisor)) return texts;
  }
  for (const PlainBeam& beam : beams)
    texts.push_back(
        {beam.tokens, beam.sum / power(beam.tokens.size(), options.length_penalty), StopReason::length});
  keep_best(texts, wanted);
  return texts;
}

TEST(BeamPool, FollowsThePublishedRules) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    for (const int beams : {1, 2, 3, 5})
      for (const bool early : {false, true})
        for (const double length_penalty : {0.0, 1.0, 2.0}) {
          const MarkovTable table(seed, 6, 9);
          const BeamSearchOptions options = {beams, length_penalty, early};
          expect_same(search(table, options, 9), plain_search(table, options, 9));
        }
}

// Not only by the last text: sooner.
TEST(BeamPool, EarlyStoppingEndsEarlier) {
  int early_steps = 0;
  int late_steps = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (const bool early : {false, true}) {
      const MarkovTable table(seed, 6, 30);
      BeamPool pool({.beams = 2, .length_penalty = 2, .early_stopping = early}, {tests::end_of(table)});
      while (!pool.done() && (pool.beams()[0].tokens.size() < 30)) {
        advance(pool, table);
        ++(early ? early_steps : late_steps);
      }
    }
  EXPECT_LT(early_steps, late_steps);
}

// --- single rules

std::vector<float> logs(std::vector<float> probabilities) {
  for (float& value : probabilities) value = std::log(value);
  return probabilities;
}

// A step of one beam whose next tokens have these probabilities.
void step(BeamPool& pool, const std::vector<std::vector<float>>& rows) {
  std::vector<std::vector<float>> kept;
  for (const std::vector<float>& row : rows) kept.push_back(logs(row));
  pool.advance(std::vector<std::span<const float>>(kept.begin(), kept.end()), tests::never_stops);
}

TEST(BeamPool, AnEndBehindTheBestIsDropped) {
  BeamPool pool({.beams = 1}, {2});
  step(pool, {{0.1f, 0.5f, 0.4f}});
  EXPECT_FALSE(pool.done());
  EXPECT_THAT(pool.beams()[0].tokens, ElementsAre(1));
  step(pool, {{0.1f, 0.4f, 0.5f}});
  EXPECT_TRUE(pool.done());
  const std::vector<FinishedText> texts = pool.finish(StopReason::length);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_THAT(texts[0].tokens, ElementsAre(1));
  EXPECT_EQ(texts[0].reason, StopReason::end_of_text);
  EXPECT_NEAR(texts[0].score, std::log(0.5 * 0.5) / 2, 1e-6);  // the end counts as a token
}

TEST(BeamPool, BeamsKnowTheirParents) {
  BeamPool pool({.beams = 2}, {});
  step(pool, {{0.6f, 0.3f, 0.1f}});
  EXPECT_EQ(pool.beams().size(), 2u);
  step(pool, {{0.3f, 0.4f, 0.3f}, {0.98f, 0.01f, 0.01f}});
  EXPECT_THAT(pool.beams()[0].tokens, ElementsAre(1, 0));
  EXPECT_EQ(pool.beams()[0].parent, 1u);
  EXPECT_THAT(pool.beams()[1].tokens, ElementsAre(0, 1));
  EXPECT_EQ(pool.beams()[1].parent, 0u);
  EXPECT_NEAR(pool.beams()[0].log_probability, std::log(0.3 * 0.98), 1e-6);
}

// Two beams want four candidates; with three ends it takes more.
TEST(BeamPool, ManyEndsLeaveBeamsEnough) {
  BeamPool pool({.beams = 2}, {0, 1, 2});
  step(pool, {{0.2f, 0.19f, 0.18f, 0.11f, 0.1f, 0.09f}});
  EXPECT_EQ(pool.beams().size(), 2u);
}

TEST(BeamPool, AStopTextEndsATextToo) {
  BeamPool pool({.beams = 2}, {3});
  const std::vector<float> row = logs({0.4f, 0.3f, 0.2f, 0.1f});
  const std::vector<std::span<const float>> rows = {row};
  pool.advance(rows, [](std::size_t, TokenId token) { return token == 0; });
  EXPECT_EQ(pool.beams().size(), 2u);
  const FinishedText best = pool.finish(StopReason::length).front();
  EXPECT_THAT(best.tokens, ElementsAre(0));
  EXPECT_EQ(best.reason, StopReason::stop_text);
}

TEST(BeamPool, EndsWhereEveryTextDoes) {
  BeamPool pool({.beams = 4}, {});
  const std::vector<float> row = logs({0.6f, 0.4f});
  const std::vector<std::span<const float>> rows = {row};
  pool.advance(rows, [](std::size_t, TokenId) { return true; });
  EXPECT_TRUE(pool.done());
  EXPECT_EQ(pool.finish(StopReason::length).size(), 2u);
}

TEST(BeamPool, NothingGeneratedIsATextToo) {
  const std::vector<FinishedText> texts = BeamPool({.beams = 3}, {}).finish(StopReason::interrupted);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_TRUE(texts[0].tokens.empty());
  EXPECT_EQ(texts[0].score, 0);
  EXPECT_EQ(texts[0].reason, StopReason::interrupted);
}

TEST(BeamPool, LogitsThatAreNoNumbers) {
  BeamPool pool({.beams = 3}, {});
  const std::vector<float> row = {std::nanf(""), 1, -kInfinity, 2};
  pool.advance(std::vector<std::span<const float>>{row}, tests::never_stops);
  ASSERT_EQ(pool.beams().size(), 2u);
  EXPECT_THAT(pool.beams()[0].tokens, ElementsAre(3));
  EXPECT_NEAR(pool.beams()[0].log_probability, -std::log(1 + std::exp(-1.0)), 1e-12);
  const std::vector<float> largest = {kInfinity, 5};
  BeamPool sure({.beams = 1}, {});
  sure.advance(std::vector<std::span<const float>>{largest}, tests::never_stops);
  EXPECT_EQ(sure.beams()[0].log_probability, 0);
  const std::vector<float> damaged(4, std::nanf(""));
  EXPECT_THAT(tests::refusal_of(
                  [&] { sure.advance(std::vector<std::span<const float>>{damaged}, tests::never_stops); }),
              HasSubstr("beam search: all logits are NaN or -inf"));
  EXPECT_EQ(sure.beams()[0].tokens.size(), 1u);
}

TEST(BeamSearchOptions, OnesOutOfRangeAreNamed) {
  const auto refusal = [](const BeamSearchOptions& options) {
    return tests::refusal_of([&] { BeamPool(options, {}); });
  };
  EXPECT_EQ(refusal({.beams = 0}), "beams: 0 is out of range: give 1 to 64");
  EXPECT_EQ(refusal({.beams = 65}), "beams: 65 is out of range: give 1 to 64");
  EXPECT_THAT(refusal({.length_penalty = std::nan("")}), HasSubstr("length_penalty: nan"));
  EXPECT_THAT(refusal({.length_penalty = 11}), HasSubstr("length_penalty: 11"));
  EXPECT_THAT(refusal({.min_new_tokens = -1}), HasSubstr("min_new_tokens: -1"));
}

}  // namespace
}  // namespace burin::runtime
