// Beam search through the public API, in C++ and C.
#include <gmock/gmock.h>

#include <thread>

#include "burin/burin.h"
#include "tests/api/demo_model.hpp"

namespace burin::tests {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

GenerationOptions of_beams(const BeamSearchOptions& beams, std::int64_t tokens = 24) {
  GenerationOptions options;
  options.max_new_tokens = tokens;
  options.beam_search = beams;
  return options;
}

TEST(ApiBeamSearch, OfOneBeamIsGreedy) {
  const DemoReference reference = demo_reference();
  Session session = demo_session();
  const Generation text = value_of(session.generate(reference.tokens, of_beams({.beams = 1}, 96)));
  EXPECT_EQ(text.tokens, reference.greedy);
  EXPECT_EQ(text.text, reference.greedy_text);
  ASSERT_THAT(text.beams, SizeIs(1));
  EXPECT_THAT(value_of(session.generate("", greedy(1))).beams, SizeIs(0));
}

TEST(ApiBeamSearch, TheBestTextIsThatOfTheSession) {
  const DemoReference reference = demo_reference();
  const Model model = demo_model();
  Session session = value_of(Session::create(model));
  const Generation found = value_of(session.generate(reference.tokens, of_beams({.beams = 3})));
  ASSERT_THAT(found.beams, SizeIs(3));
  EXPECT_EQ(found.tokens, found.beams[0].tokens);
  EXPECT_EQ(found.text, found.beams[0].text);
  EXPECT_GE(found.beams[0].score, found.beams[1].score);
  EXPECT_GE(found.beams[1].score, found.beams[2].score);
  EXPECT_EQ(session.position(), static_cast<std::int64_t>(reference.tokens.size() + found.tokens.size()));

  Session by_hand = value_of(Session::create(model));
  ASSERT_TRUE(by_hand.evaluate(reference.tokens));
  ASSERT_TRUE(by_hand.evaluate(found.tokens));
  EXPECT_EQ(value_of(session.generate("", greedy(8))).tokens,
            value_of(by_hand.generate("", greedy(8))).tokens);
}

TEST(ApiBeamSearch, CallbackGetsTheDecidedText) {
  const DemoReference reference = demo_reference();
  Session session = demo_session();
  std::vector<TokenId> tokens;
  std::string text;
  std::size_t wanted = 1000;
  const OnToken note = [&](TokenId token, std::string_view piece) {
    if (token >= 0) tokens.push_back(token);
    text += piece;
    return tokens.size() < wanted;
  };
  const Generation all = value_of(session.generate(reference.tokens, of_beams({.beams = 3}), note));
  EXPECT_EQ(tokens, all.tokens);
  EXPECT_EQ(text, all.text);
  tokens.clear();
  text.clear();
  wanted = 5;
  ASSERT_TRUE(session.reset());
  const Generation five = value_of(session.generate(reference.tokens, of_beams({.beams = 3}), note));
  EXPECT_EQ(five.reason, StopReason::stopped);
  EXPECT_EQ(five.tokens, tokens);
  EXPECT_THAT(tokens, SizeIs(5));
  EXPECT_EQ(five.text, text);
  EXPECT_EQ(all.text.substr(0, text.size()), text);
  EXPECT_EQ(session.position(), static_cast<std::int64_t>(reference.tokens.size()) + 5);
}

TEST(ApiBeamSearch, FillsTheContext) {
  LoadOptions options = quiet_options();
  options.context = 16;
  Session session = demo_session(options);
  const Generation text = value_of(session.generate(demo_reference().tokens, of_beams({.beams = 2}, -1)));
  EXPECT_EQ(text.reason, StopReason::context);
  EXPECT_THAT(text.tokens, SizeIs(7));
  EXPECT_EQ(session.position(), 16);
}

TEST(ApiBeamSearch, FromPretrainedModels) {
  const DemoReference reference = demo_reference();
  const auto tokens = demo_model().generate(reference.tokens, of_beams({.beams = 1}, 5));
  std::vector<TokenId> expected = reference.tokens;
  expected.insert(expected.end(), reference.greedy.begin(), reference.greedy.begin() + 5);
  EXPECT_EQ(value_of(tokens), expected);
}

TEST(ApiBeamSearch, AnotherThreadCancels) {
  Session session = value_of(Session::create(demo_model(), {.endless = true}));
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done.load()) {
      session.cancel();
      std::this_thread::yield();
    }
  });
  const auto text = session.generate(demo_reference().tokens, of_beams({.beams = 2}, 1 << 20));
  done.store(true);
  other.join();
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->reason, StopReason::stopped);
}

TEST(ApiBeamSearch, WhatItCannotFollowIsNamed) {
  const Model model = demo_model();
  const std::vector<TokenId> prompt = {50};
  Session session = value_of(Session::create(model));
  const auto refused = [&](Session& by, const GenerationOptions& options, const char* part) {
    return fails(by.generate(prompt, options), ErrorCode::invalid_argument, part);
  };
  EXPECT_TRUE(refused(session, of_beams({.beams = 0}), "beams: 0 is out of range: give 1 to 64"));
  EXPECT_TRUE(refused(session, of_beams({.length_penalty = 99}), "length_penalty: 99"));
  EXPECT_TRUE(refused(session, of_beams({.min_new_tokens = -1}), "min_new_tokens: -1"));
  EXPECT_TRUE(refused(session, of_beams({}, -2), "max_new_tokens: -2"));
  GenerationOptions both = of_beams({});
  both.sampling = SamplingOptions{};
  EXPECT_TRUE(refused(session, both, "sampling: it stands beside beam_search"));
  Session with_grammar = value_of(Session::create(model, {.sampling = {.grammar = "root ::= \"x\""}}));
  EXPECT_TRUE(refused(with_grammar, of_beams({}), "sampling has a grammar"));
  Session with_bias = value_of(Session::create(model, {.sampling = {.logit_bias = {{5, 1}}}}));
  EXPECT_TRUE(refused(with_bias, of_beams({}), "sampling has a logit_bias"));
  EXPECT_EQ(session.position(), 0);
}

// --- C

struct Seen {
  std::vector<burin_token> tokens;
  std::vector<double> scores;
  std::vector<std::vector<burin_token>> beams;
  std::vector<std::string> texts;
};

std::int32_t on_token(void* user, burin_token token, const char*, std::size_t) {
  if (token >= 0) static_cast<Seen*>(user)->tokens.push_back(token);
  return 1;
}

void on_beam(void* user, double score, const burin_token* tokens, std::size_t count, const char* text,
             std::size_t length) {
  auto* seen = static_cast<Seen*>(user);
  seen->scores.push_back(score);
  seen->beams.emplace_back(tokens, tokens + count);
  seen->texts.emplace_back(text, length);
}

TEST(CApi, BeamSearchIsTheCppOne) {
  const DemoReference reference = demo_reference();
  Session session = demo_session();
  const BeamSearchOptions wanted = {
      .beams = 3, .length_penalty = 0.5, .early_stopping = true, .min_new_tokens = 2};
  const Generation expected = value_of(session.generate(reference.tokens, of_beams(wanted)));

  burin_load_options load;
  ASSERT_EQ(burin_load_options_init(&load, sizeof(load)), BURIN_OK);
  load.threads = 2;
  load.cache_folder = "";
  burin_model* model = nullptr;
  ASSERT_EQ(burin_model_load(kDemo.c_str(), &load, &model), BURIN_OK) << burin_last_error();
  burin_session* own = nullptr;
  ASSERT_EQ(burin_session_create(model, nullptr, &own), BURIN_OK);
  burin_beam_search_options beams;
  ASSERT_EQ(burin_beam_search_options_init(&beams, sizeof(beams)), BURIN_OK);
  beams.beams = 3;
  beams.length_penalty = 0.5;
  beams.early_stopping = 1;
  beams.min_new_tokens = 2;
  Seen seen;
  burin_generation_options options;
  ASSERT_EQ(burin_generation_options_init(&options, sizeof(options)), BURIN_OK);
  options.max_new_tokens = 24;
  options.beam_search = &beams;
  options.user = &seen;
  options.on_token = on_token;
  options.on_beam = on_beam;
  ASSERT_EQ(burin_session_generate(own, reference.tokens.data(), reference.tokens.size(), &options, nullptr),
            BURIN_OK)
      << burin_last_error();
  EXPECT_EQ(seen.tokens, expected.tokens);
  ASSERT_EQ(seen.beams.size(), expected.beams.size());
  for (std::size_t i = 0; i < seen.beams.size(); ++i) {
    EXPECT_EQ(seen.beams[i], expected.beams[i].tokens);
    EXPECT_EQ(seen.texts[i], expected.beams[i].text);
    EXPECT_EQ(seen.scores[i], expected.beams[i].score);
  }
  beams.beams = 100;
  EXPECT_EQ(burin_session_generate(own, reference.tokens.data(), 1, &options, nullptr),
            BURIN_INVALID_ARGUMENT);
  EXPECT_THAT(burin_last_error(), HasSubstr("beams: 100"));
  burin_session_free(own);
  burin_model_free(model);
}

TEST(CApi, BeamSearchDefaultsAreTheCppOnes) {
  burin_beam_search_options options;
  ASSERT_EQ(burin_beam_search_options_init(&options, sizeof(options)), BURIN_OK);
  EXPECT_EQ(options.beams, BeamSearchOptions().beams);
  EXPECT_EQ(options.length_penalty, BeamSearchOptions().length_penalty);
  EXPECT_EQ(options.early_stopping, 0);
  EXPECT_EQ(options.min_new_tokens, BeamSearchOptions().min_new_tokens);
  EXPECT_EQ(burin_beam_search_options_init(nullptr, sizeof(options)), BURIN_INVALID_ARGUMENT);
  EXPECT_EQ(burin_beam_search_options_init(&options, 8), BURIN_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace burin::tests
