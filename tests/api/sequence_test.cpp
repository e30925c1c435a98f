// Endless sequences, and ones that are cut, forked, saved and restored, through the public API.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/api/demo_model.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

std::vector<float> copy(std::span<const float> row) { return {row.begin(), row.end()}; }

Model small_model(std::int64_t context = 64) {
  LoadOptions options = quiet_options();
  options.context = context;
  return demo_model(options);
}

std::vector<TokenId> tokens_from(int first, int count) {
  std::vector<TokenId> tokens;
  for (int i = first; i < first + count; ++i) tokens.push_back(static_cast<TokenId>(i * 7 % 60));
  return tokens;
}

TEST(ApiSequence, EndlessTextGoesOn) {
  const Model model = small_model();
  Session session = value_of(Session::create(model, {.endless = true, .discard = 20}));
  const Generation result = value_of(session.generate(demo_reference().tokens, {.max_new_tokens = 200}));
  EXPECT_EQ(result.reason, StopReason::length);
  EXPECT_EQ(result.tokens.size(), 200u);
  EXPECT_EQ(session.position(), 210);
  EXPECT_LE(session.cached_tokens(), 64);
  EXPECT_GE(session.cached_tokens(), 44);
  EXPECT_TRUE(session.evaluate(tokens_from(0, 300)));  // more than the context at once
  EXPECT_EQ(session.position(), 510);
}

TEST(ApiSequence, OptionsOutOfRangeAreNamed) {
  const Model model = small_model();
  const auto refused = [&](const SessionOptions& options, const std::string& part) {
    return fails(Session::create(model, options), ErrorCode::invalid_argument, part);
  };
  EXPECT_TRUE(refused({.endless = true, .keep = -1}, "keep: -1"));
  EXPECT_TRUE(refused({.endless = true, .keep = 64}, "keep: 64"));
  EXPECT_TRUE(refused({.endless = true, .discard = 0}, "discard: 0"));
  EXPECT_TRUE(refused({.endless = true, .discard = 61}, "discard: 61"));
  EXPECT_TRUE(Session::create(model, {.endless = true, .keep = 63, .discard = 1}));
  EXPECT_TRUE(Session::create(model, {.keep = -1}));  // of no meaning here
}

TEST(ApiSequence, TruncatedOnesGoOnFromThere) {
  const Model model = small_model();
  Session session = value_of(Session::create(model));
  ASSERT_TRUE(session.evaluate(tokens_from(0, 20)));
  const std::vector<float> expected = copy(session.logits());
  ASSERT_TRUE(session.evaluate(tokens_from(20, 30)));
  ASSERT_TRUE(session.truncate(19));
  EXPECT_EQ(session.position(), 19);
  EXPECT_TRUE(session.logits().empty());
  EXPECT_TRUE(fails(session.sample(), ErrorCode::invalid_argument, "no logits"));
  ASSERT_TRUE(session.evaluate(tokens_from(19, 1)));
  EXPECT_THAT(copy(session.logits()), testing::Pointwise(testing::FloatNear(1e-4f), expected));
  EXPECT_TRUE(fails(session.truncate(21), ErrorCode::invalid_argument, "cannot go back to 21"));
  EXPECT_TRUE(fails(session.truncate(-1), ErrorCode::invalid_argument, "cannot go back to -1"));
  EXPECT_EQ(session.position(), 20);
}

TEST(ApiSequence, KeepsTheCommonPrefix) {
  Session session = value_of(Session::create(small_model()));
  ASSERT_TRUE(session.evaluate(tokens_from(0, 20)));
  std::vector<TokenId> prompt = tokens_from(0, 30);
  EXPECT_EQ(value_of(session.keep_prefix(prompt)), 20);
  prompt[7] = 500;
  EXPECT_EQ(value_of(session.keep_prefix(prompt)), 7);
  EXPECT_EQ(session.position(), 7);
  EXPECT_EQ(value_of(session.keep_prefix(tokens_from(0, 7))), 6);
}

TEST(ApiSequence, ForksGoTheirOwnWays) {
  const DemoReference reference = demo_reference();
  std::optional<Session> session = demo_session();
  ASSERT_TRUE(session->evaluate(reference.tokens));
  Session first = value_of(session->fork());
  Session second = value_of(first.fork());
  ASSERT_TRUE(second.evaluate(tokens_from(0, 9)));
  session.reset();  // the others go on
  EXPECT_EQ(value_of(first.sample()) >= 0, true);
  EXPECT_EQ(first.position(), static_cast<std::int64_t>(reference.tokens.size()));
  EXPECT_EQ(second.position(), first.position() + 9);
  const auto text = first.generate(std::vector<TokenId>{reference.greedy[0]}, greedy(95));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->tokens, std::vector<TokenId>(reference.greedy.begin() + 1, reference.greedy.end()));
}

TEST(ApiSequence, ForksSampleAlike) {
  Session session = demo_session();
  ASSERT_TRUE(session.generate(demo_reference().tokens, {.max_new_tokens = 8}));
  Session fork = value_of(session.fork());
  const std::vector<TokenId> next = {50};
  EXPECT_EQ(value_of(fork.generate(next, {.max_new_tokens = 24})).tokens,
            value_of(session.generate(next, {.max_new_tokens = 24})).tokens);
}

TEST(ApiSequence, SavedOnesAreRestored) {
  const TemporaryFolder folder;
  const std::string file = (folder / "sequence").string();
  const DemoReference reference = demo_reference();
  std::vector<float> logits;
  {
    Session session = demo_session();
    ASSERT_TRUE(session.generate(reference.tokens, greedy(40)));
    logits = copy(session.logits());
    ASSERT_TRUE(session.save(file));
  }
  Session session = demo_session();  // of another model, too
  ASSERT_TRUE(session.restore(file));
  EXPECT_EQ(session.position(), static_cast<std::int64_t>(reference.tokens.size()) + 40);
  EXPECT_EQ(copy(session.logits()), logits);
  ASSERT_TRUE(session.set_sampling({.temperature = 0}));
  EXPECT_EQ(value_of(session.sample()), reference.greedy[40]);
  const auto rest = session.generate(std::vector<TokenId>{reference.greedy[40]}, greedy(55));
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->tokens, std::vector<TokenId>(reference.greedy.begin() + 41, reference.greedy.end()));
}

TEST(ApiSequence, FilesThatDoNotFitLeaveTheSequenceAsItWas) {
  const TemporaryFolder folder;
  const std::string file = (folder / "sequence").string();
  Session session = value_of(Session::create(small_model()));
  ASSERT_TRUE(session.save(file));  // of nothing
  ASSERT_TRUE(session.evaluate(tokens_from(0, 20)));
  ASSERT_TRUE(session.restore(file));
  EXPECT_EQ(session.position(), 0);
  EXPECT_TRUE(session.logits().empty());
  ASSERT_TRUE(session.evaluate(tokens_from(0, 20)));
  ASSERT_TRUE(session.save(file));
  const std::vector<float> logits = copy(session.logits());
  EXPECT_TRUE(fails(session.restore((folder / "none").string()), ErrorCode::load_failed, "none"));
  std::string bytes = read_bytes(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  EXPECT_TRUE(fails(session.restore(folder.write("bad", bytes).string()), ErrorCode::load_failed, "damaged"));
  EXPECT_EQ(copy(session.logits()), logits);
  EXPECT_EQ(session.position(), 20);
  Session larger = value_of(Session::create(small_model(128)));
  EXPECT_TRUE(fails(larger.restore(file), ErrorCode::load_failed, "context"));
  EXPECT_TRUE(fails(session.save((folder / "none" / "sequence").string()), ErrorCode::failed, "none"));
  ASSERT_TRUE(session.truncate(10));
  EXPECT_TRUE(fails(session.save(file), ErrorCode::invalid_argument, "no logits"));
}

TEST(ApiSequence, CallsDuringACallAreRefused) {
  const TemporaryFolder folder;
  Session session = demo_session();
  std::vector<Failure> failures;
  const auto note = [&](const auto& result) {
    if (!result) failures.push_back(result.error());
  };
  ASSERT_TRUE(session.evaluate(std::vector<TokenId>{50}, [&](std::span<const float>) {
    note(session.fork());
    note(session.truncate(0));
    note(session.keep_prefix(std::vector<TokenId>{50}));
    note(session.save((folder / "sequence").string()));
    note(session.restore((folder / "sequence").string()));
  }));
  ASSERT_EQ(failures.size(), 5u);
  for (const Failure& failure : failures) EXPECT_EQ(failure.code, ErrorCode::busy) << failure.message;
}

TEST(ApiSequence, MovedFromSessionsAreRefused) {
  Session session = demo_session();
  const Session other = std::move(session);
  EXPECT_TRUE(fails(session.fork(), ErrorCode::invalid_argument, "moved"));  // NOLINT: this is what is tested
  EXPECT_TRUE(fails(session.truncate(0), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(session.keep_prefix(std::vector<TokenId>{1}), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(session.save("x"), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(session.restore("x"), ErrorCode::invalid_argument, "moved"));
  EXPECT_EQ(session.cached_tokens(), 0);
}

}  // namespace
}  // namespace burin::tests
