// Sessions of beams: who keeps one, who gets a copy, and what they share.
#include "runtime/beam_search/beam_sessions.hpp"

#include <gtest/gtest.h>

#include "tests/support/load_model.hpp"
#include "tests/support/refusal.hpp"

namespace burin::runtime {
namespace {

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

std::vector<float> copy(std::span<const float> row) { return {row.begin(), row.end()}; }

Beam beam(std::vector<TokenId> tokens, std::size_t parent) { return {std::move(tokens), 0, parent}; }

// Follows, then evaluates.
void step(BeamSessions& sessions, const std::vector<Beam>& beams) {
  sessions.follow(beams);
  sessions.evaluate(beams);
}

void expect_logits(const BeamSessions& sessions, const std::shared_ptr<const Model>& model,
                   const std::vector<TokenId>& prompt, const std::vector<Beam>& beams) {
  ASSERT_EQ(sessions.size(), beams.size());
  for (std::size_t i = 0; i < beams.size(); ++i) {
    Session alone(model);
    alone.evaluate(prompt);
    alone.evaluate(beams[i].tokens);
    const std::span<const float> logits = sessions.logits()[i];
    for (std::size_t token = 0; token < logits.size(); ++token)
      ASSERT_NEAR(logits[token], alone.logits()[token], 1e-3) << i;
  }
}

TEST(BeamSessions, FollowBeamsToTheirChildren) {
  const auto model = tests::load_model(kDemo, {.context = 200});
  const std::vector<TokenId> prompt = tests::made_tokens(70, 500);
  Session session(model);
  session.evaluate(prompt);
  const std::vector<float> before = copy(session.logits());
  BeamSessions sessions(session);
  EXPECT_EQ(copy(sessions.logits()[0]), before);
  const std::vector<Beam> first = {beam({5}, 0), beam({6}, 0), beam({7}, 0)};
  step(sessions, first);
  expect_logits(sessions, model, prompt, first);

  const Session* const kept = &sessions.session(1);
  const Session* const parent = &sessions.session(2);
  const Session* const ended = &sessions.session(0);
  const std::vector<Beam> second = {beam({7, 1}, 2), beam({6, 1}, 1), beam({7, 2}, 2)};
  step(sessions, second);
  expect_logits(sessions, model, prompt, second);
  EXPECT_EQ(&sessions.session(0), parent) << "the first child has it";
  EXPECT_EQ(&sessions.session(1), kept) << "the only child has it";
  EXPECT_EQ(&sessions.session(2), ended) << "the second child has one that is free";

  const std::vector<Beam> fewer = {beam({7, 2, 9}, 2)};
  step(sessions, fewer);
  const std::vector<Beam> more = {beam({7, 2, 9, 3}, 0), beam({7, 2, 9, 4}, 0), beam({7, 2, 9, 5}, 0)};
  step(sessions, more);
  expect_logits(sessions, model, prompt, more);
  EXPECT_EQ(copy(session.logits()), before) << "the prompt's session is not touched";
  EXPECT_EQ(session.position(), 70);
}

// Blocks of 64 positions: the prompt fills ten; each text has one of its own behind them.
TEST(BeamSessions, ShareThePromptsBlocks) {
  Session session(tests::load_model(kDemo, {.context = 1000}));
  session.evaluate(tests::made_tokens(640, 500));
  const std::size_t block = session.cache_bytes() / 10;
  BeamSessions sessions(session);
  EXPECT_EQ(sessions.cache_bytes(), 10 * block);
  step(sessions, {beam({5}, 0), beam({6}, 0), beam({7}, 0), beam({8}, 0)});
  EXPECT_EQ(sessions.session(0).cache_bytes(), 11 * block);
  EXPECT_EQ(sessions.cache_bytes(), 14 * block);
  // Beams that stay copy nothing; those that branch off copy the last block.
  step(sessions, {beam({5, 1}, 0), beam({6, 1}, 1), beam({7, 1}, 2), beam({8, 1}, 3)});
  EXPECT_EQ(sessions.cache_bytes(), 14 * block);
  step(sessions, {beam({5, 1, 1}, 0), beam({5, 1, 2}, 0), beam({5, 1, 3}, 0), beam({5, 1, 4}, 0)});
  EXPECT_EQ(sessions.cache_bytes(), 14 * block);
  std::vector<TokenId> longer = {5, 1, 1};
  for (int i = 0; i < 70; ++i) {
    longer.push_back(i);
    step(sessions, {beam(longer, 0)});
  }
  step(sessions, {beam(longer, 0), beam(longer, 0)});
  EXPECT_EQ(Session::cache_bytes(std::vector<const Session*>{&sessions.session(0), &sessions.session(1)}),
            13 * block)
      << "what was said together is shared like a prompt";
}

TEST(Session, ContinuesFromOneOfItsKindOnly) {
  const auto model = tests::load_model(kDemo, {.context = 100});
  Session session(model);
  session.evaluate(tests::made_tokens(20, 500));
  Session other(model);
  other.evaluate(tests::made_tokens(90, 300));
  other.continue_from(session);
  EXPECT_EQ(other.position(), 20);
  EXPECT_EQ(copy(other.logits()), copy(session.logits()));
  other.continue_from(other);
  EXPECT_EQ(other.position(), 20);
  Session endless(model, {.endless = true});
  EXPECT_NE(tests::refusal_of([&] { endless.continue_from(session); }).find("same options"),
            std::string::npos);
  Session of_another(tests::load_model(kDemo, {.context = 100}));
  EXPECT_NE(tests::refusal_of([&] { of_another.continue_from(session); }).find("same model"),
            std::string::npos);
}

}  // namespace
}  // namespace burin::runtime
