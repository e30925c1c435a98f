// Beam search on models: what its texts and scores must be.
#include "runtime/beam_search/beam_search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/refusal.hpp"

namespace burin::runtime {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Tokens = std::vector<TokenId>;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

struct Case {
  std::shared_ptr<const Model> model;
  Tokens prompt;
  SessionOptions session = {};
};

Case demo(std::int64_t context = 0, int threads = 2) {
  const auto model = tests::load_model(kDemo, {.threads = threads, .context = context});
  return {model, model->tokenizer().encode("ROMEO:\nWhat light")};
}

BeamSearchResult search(const Case& of, const BeamSearchRequest& request) {
  Session session(of.model, of.session);
  return beam_search(session, *of.model, of.prompt, request);
}

double log_probability(std::span<const float> logits, TokenId token) {
  double total = 0;
  for (const float logit : logits) total += std::exp(static_cast<double>(logit));
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) - std::log(total);
}

// Of a text behind the prompt, by one evaluation of all of it.
double whole_log_probability(const Case& of, const Tokens& tokens) {
  Tokens all = of.prompt;
  all.insert(all.end(), tokens.begin(), tokens.end());
  const std::vector<float> rows = tests::all_logits(of.model, all);
  const auto width = static_cast<std::size_t>(of.model->vocabulary_size());
  double sum = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    sum += log_probability(std::span(rows).subspan((of.prompt.size() + i - 1) * width, width), tokens[i]);
  return sum;
}

// By a session like those of the search, token by token.
double stepwise_log_probability(const Case& of, const Tokens& tokens) {
  Session session(of.model, of.session);
  session.evaluate(of.prompt);
  double sum = 0;
  for (const TokenId token : tokens) {
    sum += log_probability(session.logits(), token);
    session.evaluate({&token, 1});
  }
  return sum;
}

// With the token that ended it.
Tokens scored_tokens(const Case& of, const BeamText& text) {
  Tokens tokens = text.tokens;
  if (text.reason == StopReason::end_of_text) tokens.push_back(of.model->tokenizer().eos());
  return tokens;
}

void expect_stepwise_scores(const Case& of, const BeamSearchResult& result) {
  for (const BeamText& text : result.texts) {
    const Tokens tokens = scored_tokens(of, text);
    EXPECT_NEAR(text.score, stepwise_log_probability(of, tokens) / static_cast<double>(tokens.size()), 1e-5)
        << text.text;
  }
}

TEST(BeamSearch, OfOneBeamIsGreedy) {
  const Case of = demo();
  const GenerationResult greedy = tests::greedy(of.model, of.prompt, 96);
  const BeamSearchResult result = search(of, {.options = {.beams = 1}, .most_tokens = 96});
  ASSERT_THAT(result.texts, SizeIs(1));
  EXPECT_EQ(result.texts[0].tokens, greedy.tokens);
  EXPECT_EQ(result.texts[0].text, greedy.text);
  EXPECT_EQ(result.texts[0].reason, StopReason::length);
}

TEST(BeamSearch, FindsMoreProbableTextsThanGreedy) {
  const Case of = demo();
  const GenerationResult greedy = tests::greedy(of.model, of.prompt, 40);
  const double greedy_score = whole_log_probability(of, greedy.tokens) / 40;
  const BeamSearchResult result = search(of, {.options = {.beams = 4}, .most_tokens = 40});
  ASSERT_THAT(result.texts, SizeIs(4));
  EXPECT_GT(result.texts[0].score, greedy_score + 0.01);
  for (std::size_t i = 1; i < result.texts.size(); ++i)
    EXPECT_LE(result.texts[i].score, result.texts[i - 1].score);
}

TEST(BeamSearch, ScoresAreThoseOfOneEvaluation) {
  const Case of = demo();
  for (const double length_penalty : {1.0, 0.5}) {
    const BeamSearchResult result =
        search(of, {.options = {.beams = 3, .length_penalty = length_penalty}, .most_tokens = 70});
    for (const BeamText& text : result.texts) {
      const Tokens tokens = scored_tokens(of, text);
      const double length = std::pow(static_cast<double>(tokens.size()), length_penalty);
      EXPECT_NEAR(text.score, whole_log_probability(of, tokens) / length, 1e-5);
    }
  }
}

// "KING EDWARD" and the like: as probable as they are, with the text cut before them.
TEST(BeamSearch, StopTextsEndTexts) {
  const Case of = demo();
  const BeamSearchResult plain = search(of, {.options = {.beams = 3}, .most_tokens = 30});
  const std::string stop = plain.texts[0].text.substr(plain.texts[0].text.size() / 2, 3);
  const BeamSearchResult result = search(of, {.options = {.beams = 3}, .most_tokens = 30, .stops = {stop}});
  int stopped = 0;
  for (const BeamText& text : result.texts) {
    EXPECT_EQ(text.text.find(stop), std::string::npos);
    const bool has_it = of.model->tokenizer().decode(text.tokens).find(stop) != std::string::npos;
    EXPECT_EQ(has_it, text.reason == StopReason::stop_text) << text.text;
    stopped += has_it ? 1 : 0;
  }
  EXPECT_GT(stopped, 0);
  expect_stepwise_scores(of, result);
}

TEST(BeamSearch, IsTheSameOnAnyNumberOfThreads) {
  const BeamSearchRequest request = {.options = {.beams = 5}, .most_tokens = 24};
  const BeamSearchResult expected = search(demo(0, 1), request);
  for (const int threads : {2, 3}) {
    const BeamSearchResult result = search(demo(0, threads), request);
    ASSERT_EQ(result.texts.size(), expected.texts.size());
    for (std::size_t i = 0; i < result.texts.size(); ++i) {
      EXPECT_EQ(result.texts[i].tokens, expected.texts[i].tokens);
      EXPECT_EQ(result.texts[i].score, expected.texts[i].score);
    }
  }
}

// One block for the prompt's 64 positions, and two for each beam at most: its last, and one that it has half of.
TEST(BeamSearch, BeamsShareThePromptsMemory) {
  Case of = demo(1024);
  of.prompt = tests::made_tokens(640, 500);
  Session session(of.model);
  const BeamSearchResult result =
      beam_search(session, *of.model, of.prompt, {.options = {.beams = 8}, .most_tokens = 20});
  const std::size_t block = session.cache_bytes() / 10;
  EXPECT_LE(result.cache_bytes, (10 + 8) * block);
  EXPECT_GT(result.cache_bytes, 10 * block);
  EXPECT_EQ(session.position(), 640) << "the prompt's session stays behind the prompt";
}

TEST(BeamSearch, EndsWhereTheContextDoes) {
  const Case of = demo(16);
  const BeamSearchResult result = search(of, {.options = {.beams = 3}});
  EXPECT_EQ(of.prompt.size() + result.texts[0].tokens.size(), 17u);
  EXPECT_EQ(result.texts[0].reason, StopReason::context);
  EXPECT_THAT(tests::refusal_of([&] {
                search({of.model, tests::made_tokens(17, 500)}, {});
              }),
              HasSubstr("prompt: 17 tokens do not fit"));
}

TEST(BeamSearch, EachBeamHasItsRing) {
  Case of = demo(32);
  of.session = {.endless = true, .keep = 4, .discard = 9};
  const BeamSearchResult result = search(of, {.options = {.beams = 4}, .most_tokens = 60});
  ASSERT_THAT(result.texts, SizeIs(4));
  EXPECT_THAT(result.texts[0].tokens, SizeIs(60));
  expect_stepwise_scores(of, result);
}

// Positions that are learned: what is left is evaluated again.
TEST(BeamSearch, EachBeamHasItsRingWherePositionsAreLearned) {
  const std::filesystem::path folder = std::filesystem::path(BURIN_REFERENCE_DATA) / "arch" / "gpt2";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "skipped: no " << folder;
  const auto model = tests::load_model(folder.string(), {.context = 24});
  const Case of = {model, tests::made_tokens(12, 200), {.endless = true, .keep = 2, .discard = 7}};
  const BeamSearchResult result =
      search(of, {.options = {.beams = 3, .min_new_tokens = 30}, .most_tokens = 30});
  EXPECT_THAT(result.texts[0].tokens, SizeIs(30));
  expect_stepwise_scores(of, result);
}

TEST(BeamSearch, GoesOnFromLogits) {
  const Case of = demo();
  const BeamSearchRequest request = {.options = {.beams = 3}, .most_tokens = 10};
  Session session(of.model);
  session.evaluate(of.prompt);
  EXPECT_EQ(beam_search(session, *of.model, {}, request).texts[0].tokens,
            search(of, request).texts[0].tokens);
  Session empty(of.model);
  EXPECT_THAT(tests::refusal_of([&] { beam_search(empty, *of.model, {}, request); }),
              HasSubstr("no token to start from"));
}

TEST(BeamSearch, CanBeEnded) {
  const Case of = demo();
  Session session(of.model);
  const std::atomic<bool> cancel{true};
  const BeamSearchResult result = beam_search(session, *of.model, of.prompt, {}, &cancel);
  ASSERT_THAT(result.texts, SizeIs(1));
  EXPECT_EQ(result.texts[0].reason, StopReason::interrupted);
  EXPECT_THAT(result.texts[0].tokens, SizeIs(0));
}

TEST(BeamSearch, NoTokensAtAll) {
  const BeamSearchResult result = search(demo(), {.most_tokens = 0});
  ASSERT_THAT(result.texts, SizeIs(1));
  EXPECT_EQ(result.texts[0].text, "");
  EXPECT_EQ(result.texts[0].reason, StopReason::length);
}

}  // namespace
}  // namespace burin::runtime
