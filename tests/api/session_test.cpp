// Sequences and generated text through the public API.
#include <gmock/gmock.h>

#include <thread>

#include "tests/api/demo_model.hpp"

namespace burin::tests {
namespace {

using testing::ElementsAreArray;
using testing::FloatEq;
using testing::HasSubstr;
using testing::Pointwise;

std::vector<float> copy(std::span<const float> row) { return {row.begin(), row.end()}; }

TEST(ApiSession, GreedyTextIsTheReference) {
  const DemoReference reference = demo_reference();
  Session session = demo_session();
  const auto from_tokens = session.generate(reference.tokens, greedy(96));
  ASSERT_TRUE(from_tokens) << from_tokens.error().message;
  EXPECT_EQ(from_tokens->tokens, reference.greedy);
  EXPECT_EQ(from_tokens->text, reference.greedy_text);
  EXPECT_EQ(from_tokens->reason, StopReason::length);
  EXPECT_EQ(to_text(from_tokens->reason), "length");
  ASSERT_TRUE(session.reset());
  EXPECT_EQ(value_of(session.generate(reference.prompt, greedy(96))).tokens, reference.greedy);
}

TEST(ApiSession, CallbackGetsEveryTokenAndAllText) {
  const DemoReference reference = demo_reference();
  Session session = demo_session();
  std::vector<TokenId> tokens;
  std::string text;
  const auto result =
      session.generate(reference.tokens, greedy(96), [&](TokenId token, std::string_view piece) {
        if (token >= 0) tokens.push_back(token);
        text += piece;
        return true;
      });
  ASSERT_TRUE(result);
  EXPECT_EQ(tokens, result->tokens);
  EXPECT_EQ(text, result->text);
}

TEST(ApiSession, CallbackStopsTheTextAfterItsToken) {
  const DemoReference reference = demo_reference();
  Session session = demo_session();
  int calls = 0;
  const auto result =
      session.generate(reference.tokens, greedy(96), [&](TokenId, std::string_view) { return ++calls < 3; });
  ASSERT_TRUE(result);
  EXPECT_EQ(result->reason, StopReason::stopped);
  EXPECT_EQ(result->tokens.size(), 3u);
}

// Whatever ended it, the sequence holds all of the text, so a second call goes on where the first one ended.
TEST(ApiSession, GenerationGoesOnWhereItEnded) {
  const DemoReference reference = demo_reference();
  const auto expect_continuation = [&](Session& session, const Generation& first) {
    EXPECT_EQ(session.position(), static_cast<std::int64_t>(reference.tokens.size() + first.tokens.size()));
    const auto next = reference.greedy.begin() + static_cast<std::ptrdiff_t>(first.tokens.size());
    EXPECT_EQ(value_of(session.sample()), *next);
    const auto rest = session.generate(std::vector<TokenId>{*next}, greedy(8));
    ASSERT_TRUE(rest) << rest.error().message;
    EXPECT_THAT(rest->tokens, ElementsAreArray(next + 1, next + 9));
  };
  Session by_length = demo_session();
  expect_continuation(by_length, value_of(by_length.generate(reference.tokens, greedy(10))));
  Session by_stop = demo_session();
  GenerationOptions stops = greedy(96);
  stops.stops = {"NORTH"};
  const Generation stopped = value_of(by_stop.generate(reference.tokens, stops));
  EXPECT_EQ(stopped.reason, StopReason::stop_text);
  EXPECT_EQ(stopped.text, reference.greedy_text.substr(0, reference.greedy_text.find("NORTH")));
  expect_continuation(by_stop, stopped);
  Session by_callback = demo_session();
  int calls = 0;
  const auto three = [&](TokenId, std::string_view) { return ++calls < 3; };
  expect_continuation(by_callback, value_of(by_callback.generate(reference.tokens, greedy(96), three)));
}

TEST(ApiSession, StepByStepIsTheSameText) {
  const DemoReference reference = demo_reference();
  Session session = value_of(Session::create(demo_model(), {.sampling = {.seed = 11}}));
  const std::vector<TokenId> expected =
      value_of(session.generate(reference.tokens, {.max_new_tokens = 24})).tokens;
  ASSERT_TRUE(session.reset());
  ASSERT_TRUE(session.set_sampling({.seed = 11}));
  ASSERT_TRUE(session.evaluate(reference.tokens));
  std::vector<TokenId> tokens;
  while (tokens.size() < 24) {
    tokens.push_back(value_of(session.sample()));
    ASSERT_TRUE(session.evaluate({&tokens.back(), 1}));
  }
  EXPECT_EQ(tokens, expected);
}

TEST(ApiSession, SamplingGoesOnOverCalls) {
  const DemoReference reference = demo_reference();
  const Model model = demo_model();
  const auto texts = [&](const GenerationOptions& second) {
    Session session = value_of(Session::create(model));
    const Generation first = value_of(session.generate(reference.tokens, {.max_new_tokens = 16}));
    EXPECT_TRUE(session.reset());
    return std::pair(first.tokens, value_of(session.generate(reference.tokens, second)).tokens);
  };
  const auto [once, again] = texts({.sampling = SamplingOptions{}, .max_new_tokens = 16});
  EXPECT_EQ(once, again);  // anew from its seed
  const auto [before, after] = texts({.max_new_tokens = 16});
  EXPECT_EQ(before, once);
  EXPECT_NE(after, before);  // random numbers go on
}

TEST(ApiSession, LogitsOfLastAndOfAllPositions) {
  const DemoReference reference = demo_reference();
  Session session = demo_session();
  EXPECT_TRUE(session.logits().empty());
  std::vector<std::vector<float>> rows;
  ASSERT_TRUE(
      session.evaluate(reference.tokens, [&](std::span<const float> row) { rows.push_back(copy(row)); }));
  ASSERT_EQ(rows.size(), reference.tokens.size());
  EXPECT_EQ(copy(session.logits()), rows.back());
  EXPECT_EQ(session.logits().size(), 512u);
  const auto best = std::max_element(rows.back().begin(), rows.back().end()) - rows.back().begin();
  EXPECT_EQ(best, reference.greedy[0]);
  ASSERT_TRUE(session.reset());
  EXPECT_TRUE(session.logits().empty());
  EXPECT_EQ(session.position(), 0);
}

// Different texts, grown by a token at a time: each says what it says alone.
TEST(ApiSession, SessionsAreEvaluatedTogether) {
  const DemoReference reference = demo_reference();
  const Model model = demo_model();
  std::vector<Session> sessions;
  std::vector<std::vector<TokenId>> expected;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::span<const TokenId> prompt = std::span(reference.tokens).subspan(i);
    Session alone = value_of(Session::create(model));
    expected.push_back(value_of(alone.generate(prompt, greedy(12))).tokens);
    sessions.push_back(value_of(Session::create(model, {.sampling = {.temperature = 0}})));
    ASSERT_TRUE(sessions.back().evaluate(prompt));
  }
  std::vector<Session*> all;
  for (Session& session : sessions) all.push_back(&session);
  std::vector<std::vector<TokenId>> texts(3);
  for (int step = 0; step < 12; ++step) {
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < 3; ++i) {
      tokens.push_back(value_of(sessions[i].sample()));
      texts[i].push_back(tokens.back());
    }
    ASSERT_TRUE(Session::evaluate_together(all, tokens));
  }
  EXPECT_EQ(texts, expected);
}

TEST(ApiSession, WhatDoesNotFitTogetherIsRefused) {
  const Model model = demo_model();
  Session one = value_of(Session::create(model));
  Session two = value_of(Session::create(model));
  Session endless = value_of(Session::create(model, {.endless = true}));
  Session of_another = demo_session();
  const auto together = [](const std::vector<Session*>& sessions, const std::vector<TokenId>& tokens) {
    return Session::evaluate_together(sessions, tokens);
  };
  const ErrorCode wrong = ErrorCode::invalid_argument;
  EXPECT_TRUE(fails(together({&one, &two}, {1}), wrong, "2 sessions and 1 tokens"));
  EXPECT_TRUE(fails(together({&one, nullptr}, {1, 2}), wrong, "null"));
  EXPECT_TRUE(fails(together({&one, &endless}, {1, 2}), wrong, "model and options are the same"));
  EXPECT_TRUE(fails(together({&one, &of_another}, {1, 2}), wrong, "model and options are the same"));
  EXPECT_TRUE(fails(together({&one, &two}, {1, 512}), wrong, "512"));
  EXPECT_TRUE(fails(together({&one, &one}, {1, 2}), ErrorCode::busy, "under way"));
  EXPECT_EQ(one.position(), 0);
  EXPECT_TRUE(together({&one, &two}, {1, 2}));
  EXPECT_EQ(two.position(), 1);
  EXPECT_EQ(one.logits().size(), 512u);
}

TEST(ApiSession, RefusedTokensLeaveTheSequenceAsItWas) {
  LoadOptions options = quiet_options();
  options.context = 16;
  Session session = demo_session(options);
  ASSERT_TRUE(session.evaluate(demo_reference().tokens));
  const std::vector<float> logits = copy(session.logits());
  EXPECT_TRUE(fails(session.evaluate(std::vector<TokenId>{1, 512}), ErrorCode::invalid_argument,
                    "token 1 of the input is 512"));
  EXPECT_TRUE(fails(session.evaluate(std::vector<TokenId>(7, 1)), ErrorCode::context_full, "room for 6"));
  EXPECT_TRUE(fails(session.generate(std::vector<TokenId>(7, 1)), ErrorCode::context_full, "room for 6"));
  EXPECT_EQ(session.position(), 10);
  EXPECT_EQ(copy(session.logits()), logits);
  EXPECT_TRUE(session.evaluate(std::vector<TokenId>{}));
}

TEST(ApiSession, EndsWhereTheContextDoes) {
  LoadOptions options = quiet_options();
  options.context = 16;
  Session session = demo_session(options);
  const Generation result = value_of(session.generate(demo_reference().tokens, greedy(-1)));
  EXPECT_EQ(result.reason, StopReason::context);
  EXPECT_EQ(result.tokens.size(), 7u);
  EXPECT_EQ(session.position(), 16);
}

TEST(ApiSession, OptionsOutOfRangeAreNamed) {
  const Model model = demo_model();
  EXPECT_TRUE(
      fails(Session::create(model, {.sampling = {.temperature = -1}}), ErrorCode::invalid_argument, "temp"));
  Session session = value_of(Session::create(model));
  EXPECT_TRUE(fails(session.set_sampling({.top_k = -1}), ErrorCode::invalid_argument, "top"));
  EXPECT_TRUE(fails(session.sample(), ErrorCode::invalid_argument, "no logits"));
  const std::vector<TokenId> prompt = {1};
  EXPECT_TRUE(fails(session.generate(prompt, {.max_new_tokens = -2}), ErrorCode::invalid_argument,
                    "max_new_tokens: -2"));
  EXPECT_TRUE(fails(session.generate(prompt, {.stops = {""}}), ErrorCode::invalid_argument, "stop"));
  EXPECT_TRUE(fails(session.generate(prompt, {.sampling = SamplingOptions{.top_p = 2}}),
                    ErrorCode::invalid_argument, "top"));
  EXPECT_EQ(session.position(), 0);
}

TEST(ApiSession, WhatCallbacksThrowIsAFailure) {
  Session session = demo_session();
  const auto token = [](TokenId, std::string_view) -> bool { throw std::runtime_error("no paper"); };
  EXPECT_TRUE(fails(session.generate(demo_reference().tokens, greedy(8), token), ErrorCode::callback_threw,
                    "on_token: threw an exception: no paper"));
  const auto row = [](std::span<const float>) { throw std::runtime_error("no ink"); };
  EXPECT_TRUE(fails(session.evaluate(demo_reference().tokens, row), ErrorCode::callback_threw,
                    "on_logits: threw an exception: no ink"));
  EXPECT_TRUE(session.reset());  // and the session goes on
  EXPECT_EQ(value_of(session.generate(demo_reference().tokens, greedy(96))).tokens, demo_reference().greedy);
}

TEST(ApiSession, CallsDuringACallAreRefused) {
  Session session = demo_session();
  Result<void> evaluated;
  Result<void> reset;
  ASSERT_TRUE(session.generate(demo_reference().tokens, greedy(1), [&](TokenId, std::string_view) {
    evaluated = session.evaluate(std::vector<TokenId>{1});
    reset = session.reset();
    return true;
  }));
  EXPECT_TRUE(fails(evaluated, ErrorCode::busy, "under way"));
  EXPECT_TRUE(fails(reset, ErrorCode::busy, "under way"));
  EXPECT_EQ(session.position(), static_cast<std::int64_t>(demo_reference().tokens.size()) + 1);
}

TEST(ApiSession, AnotherThreadCancels) {
  Session session = demo_session();
  std::atomic<bool> begun{false};
  std::atomic<bool> cancelled{false};
  std::thread other([&] {
    while (!begun.load()) std::this_thread::yield();
    session.cancel();
    cancelled.store(true);
  });
  int calls = 0;
  const auto wait_for_it = [&](TokenId, std::string_view) {
    begun.store(true);
    while (!cancelled.load()) std::this_thread::yield();
    ++calls;
    return true;
  };
  const auto result = session.generate(demo_reference().tokens, greedy(-1), wait_for_it);
  other.join();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->reason, StopReason::stopped);
  EXPECT_EQ(result->tokens.size(), 1u);
  EXPECT_LE(calls, 2);  // the token, and text that was left
}

TEST(ApiSession, CancelEndsAnEvaluationAtItsChunk) {
  LoadOptions options = quiet_options();
  options.chunk = 4;
  Session session = demo_session(options);
  int rows = 0;
  const auto result = session.evaluate(std::vector<TokenId>(32, 50), [&](std::span<const float>) {
    if (++rows == 6) session.cancel();
  });
  EXPECT_TRUE(fails(result, ErrorCode::cancelled, "position 8"));
  EXPECT_EQ(session.position(), 8);
  EXPECT_EQ(rows, 8);
  EXPECT_TRUE(session.logits().empty());
  session.cancel();  // of nothing
  EXPECT_TRUE(session.evaluate(std::vector<TokenId>(32, 50)));
}

TEST(ApiSession, MovedFromSessionsAreRefused) {
  Session session = demo_session();
  ASSERT_TRUE(session.evaluate(std::vector<TokenId>{1}));
  Session other = std::move(session);
  EXPECT_EQ(other.position(), 1);
  EXPECT_EQ(session.position(), 0);  // NOLINT: this is what is tested
  EXPECT_TRUE(session.logits().empty());
  session.cancel();
  EXPECT_TRUE(fails(session.evaluate(std::vector<TokenId>{1}), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(session.generate("x"), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(session.sample(), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(session.reset(), ErrorCode::invalid_argument, "moved"));
}

}  // namespace
}  // namespace burin::tests
