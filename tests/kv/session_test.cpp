// Going back, forking, saving and restoring sequences: what follows is what would have followed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/support/gguf_writer.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using testing::HasSubstr;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";
constexpr SessionOptions kEndless = {.endless = true, .keep = 4, .discard = 20};

std::shared_ptr<const Model> demo(std::int64_t context = 100) {
  return tests::load_model(kDemo, {.kv = graph::KvType::bf16, .context = context});
}

std::vector<TokenId> tokens_from(int first, int count) {
  std::vector<TokenId> tokens;
  for (int i = first; i < first + count; ++i) tokens.push_back(static_cast<TokenId>(i * 7 % 60));
  return tokens;
}

std::vector<float> logits_of(const Session& session) {
  return {session.logits().begin(), session.logits().end()};
}

std::vector<float> logits_after(Session& session, const std::vector<TokenId>& tokens) {
  session.evaluate(tokens);
  return logits_of(session);
}

// --- truncate

TEST(Truncate, GoesBackToAnyPosition) {
  const auto model = demo();
  Session session(model);
  session.evaluate(tokens_from(0, 70));
  for (const int position : {70, 65, 64, 63, 1, 0}) {
    session.truncate(position);
    EXPECT_EQ(session.position(), position);
    Session fresh(model);
    if (position > 0) fresh.evaluate(tokens_from(0, position));
    EXPECT_EQ(logits_after(session, tokens_from(500, 9)), logits_after(fresh, tokens_from(500, 9)))
        << position;
    session.truncate(position);
  }
  EXPECT_THAT(tests::refusal_of([&] { session.truncate(1); }), HasSubstr("cannot go back to 1"));
  EXPECT_THAT(tests::refusal_of([&] { session.truncate(-1); }), HasSubstr("cannot go back to -1"));
}

TEST(Truncate, OfAnEndlessSequenceStopsAtWhatIsDiscarded) {
  const auto model = demo();
  Session session(model, kEndless);
  session.evaluate(tokens_from(0, 110));  // 20 went
  EXPECT_EQ(session.cached_tokens(), 90);
  EXPECT_THAT(tests::refusal_of([&] { session.truncate(20); }), HasSubstr("discarded or overwritten"));
  session.truncate(105);
  EXPECT_EQ(session.position(), 105);
  EXPECT_EQ(session.cached_tokens(), 85);
  const std::vector<float> again = logits_after(session, tokens_from(105, 5));
  Session fresh(model, kEndless);
  EXPECT_EQ(again, logits_after(fresh, tokens_from(0, 110)));
}

// Rings of layers with windows have overwritten what was seen then.
TEST(Truncate, EvaluatesAgainWhatWindowsSaw) {
  const tests::TemporaryFolder folder;
  const tests::TinyLlama shape;
  tests::write_tiny_folder(folder, shape);
  nlohmann::json config = tests::tiny_config(shape);
  config.merge_patch(
      {{"architectures", {"MistralForCausalLM"}}, {"model_type", "mistral"}, {"sliding_window", 9}});
  folder.write("config.json", config.dump());
  const auto model = tests::load_model(folder.path().string(), {.chunk = 8, .context = 200});
  Session session(model);
  session.evaluate(tokens_from(0, 180));
  for (const int position : {170, 30}) {
    session.truncate(position);
    EXPECT_EQ(session.position(), position);
    Session fresh(model);
    fresh.evaluate(tokens_from(0, position));
    const std::vector<float> expected = logits_after(fresh, tokens_from(500, 3));
    const std::vector<float> logits = logits_after(session, tokens_from(500, 3));
    for (std::size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits[i], expected[i], 1e-5) << position;
    session.truncate(position);
  }
}

TEST(KeepPrefix, KeepsWhatIsTheSame) {
  const auto model = demo();
  Session session(model);
  session.evaluate(tokens_from(0, 50));
  std::vector<TokenId> prompt = tokens_from(0, 40);
  prompt.back() = 61;
  EXPECT_EQ(session.keep_prefix(prompt), 39);
  EXPECT_EQ(session.position(), 39);
  EXPECT_EQ(session.keep_prefix(tokens_from(0, 20)), 19) << "the last token's logits are wanted";
  EXPECT_EQ(session.keep_prefix(tokens_from(0, 30)), 19);
  EXPECT_EQ(session.keep_prefix(tokens_from(1, 30)), 0);
  EXPECT_EQ(session.position(), 0);
  Session endless(model, kEndless);
  endless.evaluate(tokens_from(0, 101));
  EXPECT_EQ(endless.keep_prefix(tokens_from(0, 30)), 0);
  EXPECT_EQ(endless.position(), 0);
}

// --- fork

TEST(Fork, BothGoOnFromTheSamePlace) {
  const auto model = demo();
  for (const SessionOptions& options : {SessionOptions{}, kEndless})
    for (const int prefix : {1, 64, 70, 90}) {
      Session session(model, options);
      session.evaluate(tokens_from(0, prefix));
      const std::unique_ptr<Session> fork = session.fork();
      EXPECT_EQ(fork->position(), prefix);
      EXPECT_EQ(logits_of(*fork), logits_of(session));
      const int more = options.endless ? 60 : 9;
      const std::vector<float> first = logits_after(session, tokens_from(100, more));
      const std::vector<float> second = logits_after(*fork, tokens_from(200, more));
      for (const auto& [begin, logits] : {std::pair(100, first), {200, second}}) {
        Session alone(model, options);
        alone.evaluate(tokens_from(0, prefix));
        EXPECT_EQ(logits_after(alone, tokens_from(begin, more)), logits) << prefix << " " << begin;
      }
    }
}

TEST(Fork, SharesMemoryUntilItIsWrittenTo) {
  Session session(demo(1000));
  session.evaluate(tokens_from(0, 640));
  std::vector<std::unique_ptr<Session>> forks;
  forks.push_back(session.fork());
  EXPECT_EQ(forks[0]->cache_bytes(), session.cache_bytes());
  forks[0]->evaluate(tokens_from(640, 1));
  EXPECT_EQ(forks[0]->cache_bytes(), session.cache_bytes() / 10 * 11);
}

TEST(Fork, OutlivesWhatItCameFrom) {
  const auto model = demo();
  auto session = std::make_unique<Session>(model);
  session->evaluate(tokens_from(0, 30));
  const std::unique_ptr<Session> fork = session->fork();
  session.reset();
  Session alone(model);
  alone.evaluate(tokens_from(0, 30));
  EXPECT_EQ(logits_after(*fork, tokens_from(30, 5)), logits_after(alone, tokens_from(30, 5)));
}

// Each fork is of a moment between two tokens: it says by its position which one.
TEST(Fork, WhileAnotherThreadGenerates) {
  const auto model = demo(64);
  Session session(model, {.endless = true, .keep = 4, .discard = 9});
  const std::vector<TokenId> all = tokens_from(0, 400);
  std::thread generator([&] {
    for (std::size_t i = 0; i < all.size(); ++i) session.evaluate({&all[i], 1});
  });
  for (int i = 0; i < 10; ++i) {
    const std::unique_ptr<Session> fork = session.fork();
    const auto from = static_cast<std::size_t>(fork->position());
    std::vector<float> logits;
    for (std::size_t next = from; next < std::min(from + 10, all.size()); ++next)
      logits = logits_after(*fork, {all[next]});
    Session alone(model, fork->options());
    for (std::int64_t next = 0; next < fork->position(); ++next)
      alone.evaluate({&all[static_cast<std::size_t>(next)], 1});
    if (!logits.empty()) {
      EXPECT_EQ(logits, logits_of(alone));
    }
  }
  generator.join();
}

TEST(Session, ASecondThreadIsRefused) {
  Session session(demo());
  const std::function<void(std::span<const float>)> sink = [&](std::span<const float>) {
    EXPECT_THAT(tests::refusal_of([&] { session.evaluate(tokens_from(0, 1)); }),
                HasSubstr("another thread is evaluating"));
  };
  session.evaluate(tokens_from(0, 2), LogitsWanted::all, &sink);
  EXPECT_EQ(session.position(), 2);
}

// --- files

class SavedSequence : public testing::Test {
 protected:
  std::string path() const { return (folder_ / "sequence").string(); }
  std::string bytes() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  std::string refusal(Session& session) const {
    return tests::refusal_of([&] { session.restore(path()); });
  }

  tests::TemporaryFolder folder_;
};

TEST_F(SavedSequence, GoesOnInAnotherSession) {
  const auto model = demo();
  for (const SessionOptions& options : {SessionOptions{}, kEndless})
    for (const int prefix : {0, 1, 64, 99}) {
      Session session(model, options);
      if (prefix > 0) session.evaluate(tokens_from(0, prefix));
      if (options.endless) session.evaluate(tokens_from(prefix, 70));
      session.save(path());
      Session other(demo(), options);
      other.evaluate(tokens_from(300, 20));
      other.restore(path());
      EXPECT_EQ(other.position(), session.position());
      EXPECT_EQ(other.cached_tokens(), session.cached_tokens());
      if (session.position() > 0) {
        EXPECT_EQ(logits_of(other), logits_of(session));
      }
      const int more = options.endless ? 60 : 1;
      EXPECT_EQ(logits_after(other, tokens_from(400, more)), logits_after(session, tokens_from(400, more)));
    }
}

TEST_F(SavedSequence, IsRefusedByAnotherModelOrAnotherContext) {
  Session session(demo());
  session.evaluate(tokens_from(0, 10));
  session.save(path());
  Session longer(demo(200));
  EXPECT_THAT(refusal(longer), tests::says(path(), {"context is 100, the session's is 200"}));
  Session endless(demo(), kEndless);
  EXPECT_THAT(refusal(endless), tests::says(path(), {"keep is 0, the session's is 4"}));
  Session other_type(tests::load_model(kDemo, {.kv = graph::KvType::f32, .context = 100}));
  EXPECT_THAT(refusal(other_type), tests::says(path(), {"heads is"}));
  const std::string other = tests::write_tiny_gguf(folder_);
  Session other_model(tests::load_model(other, {.kv = graph::KvType::bf16, .context = 100}));
  EXPECT_THAT(refusal(other_model), tests::says(path(), {}));
}

// Whatever happens to the file, it is refused, and the session stays as it was.
TEST_F(SavedSequence, DamagedFilesAreRefused) {
  const auto model = demo();
  Session session(model);
  session.evaluate(tokens_from(0, 70));
  session.save(path());
  const std::string whole = bytes();
  const std::vector<float> before = logits_of(session);
  std::uint64_t seed = 1;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = whole;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const std::size_t at = (seed >> 20) % (i % 2 == 0 ? 600 : whole.size());
    if (i % 3 == 0)
      damaged.resize(at);
    else if (i % 3 == 1)
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (seed & 7)));
    else
      damaged.insert(at, 1, 'x');
    folder_.write("sequence", damaged);
    EXPECT_THAT(refusal(session), tests::says(path(), {}));
    EXPECT_EQ(session.position(), 70);
  }
  EXPECT_EQ(logits_of(session), before);
  folder_.write("sequence", whole);
  session.restore(path());
  EXPECT_EQ(logits_of(session), before);
}

TEST_F(SavedSequence, WhatCannotBeWrittenIsSaidAndLeavesNothing) {
  Session session(demo());
  EXPECT_THAT(tests::refusal_of([&] { session.save((folder_ / "no" / "sequence").string()); }),
              tests::says(folder_ / "no" / "sequence", {"cannot be written"}));
  EXPECT_THAT(tests::refusal_of([&] { session.restore(path()); }), tests::says(path(), {"cannot be read"}));
  session.save(path());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

}  // namespace
}  // namespace burin::runtime
