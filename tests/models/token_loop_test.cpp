// The token loop takes no memory from the heap, and no lock, once it runs.
#include <gtest/gtest.h>

#include <mutex>

#include "tests/support/allocation_watch.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/lock_watch.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

TEST(TokenLoop, EvaluationAllocatesNothing) {
  for (const graph::ComputeType compute : {graph::ComputeType::f32, graph::ComputeType::int8}) {
    Session session(tests::load_model(kDemo, {.compute = compute}), {.reserve = true});
    const std::vector<TokenId> prompt(200, 50);
    const std::vector<TokenId> one = {47};
    EXPECT_EQ(tests::allocations_of([&] {
                session.evaluate(prompt);
                for (int i = 0; i < 100; ++i) session.evaluate(one);
              }),
              0);
  }
}

// Of an endless sequence too, through 30 discards.
TEST(TokenLoop, DiscardingAllocatesNothing) {
  Session session(tests::load_model(kDemo, {.context = 64}),
                  {.endless = true, .discard = 10, .reserve = true});
  const std::vector<TokenId> one = {47};
  for (int i = 0; i < 100; ++i) session.evaluate(one);
  EXPECT_EQ(tests::allocations_of([&] {
              for (int i = 0; i < 300; ++i) session.evaluate(one);
            }),
            0);
}

// Without `reserve`, the cache grows by blocks of 64 positions, one allocation each.
TEST(TokenLoop, TheCacheGrowsByBlocks) {
  Session session(tests::load_model(kDemo));
  const std::vector<TokenId> one = {47};
  EXPECT_EQ(session.cache_bytes(), 0u);
  EXPECT_EQ(tests::allocations_of([&] {
              for (int i = 0; i < 129; ++i) session.evaluate(one);
            }),
            3);
  const std::size_t bytes = session.cache_bytes();
  for (int i = 129; i < 192; ++i) session.evaluate(one);
  EXPECT_EQ(session.cache_bytes(), bytes);
  session.evaluate(one);
  EXPECT_EQ(session.cache_bytes(), bytes / 3 * 4);
}

TEST(TokenLoop, EvaluationTakesNoLock) {
  if (!tests::kLocksAreCounted) GTEST_SKIP() << "skipped: the sanitizer has the lock functions";
  Session session(tests::load_model(kDemo, {.threads = 3}));
  const std::vector<TokenId> prompt(200, 50);
  const std::vector<TokenId> one = {47};
  EXPECT_EQ(tests::locks_of([&] {
              session.evaluate(prompt);
              for (int i = 0; i < 100; ++i) session.evaluate(one);
            }),
            0);
}

// From the first piece of text on: sampling with everything switched on, stop texts, decoding, counting.
TEST(TokenLoop, GenerationAllocatesAndLocksNothingPerToken) {
  const auto model = tests::load_model(kDemo);
  Session session(model, {.reserve = true});
  GenerationOptions options;
  options.most_tokens = 200;
  options.sampling.repeat_penalty = 1.1f;
  options.stops = {"this text does not come", "nor does this one"};
  int pieces = 0;
  long warm = 0;
  long last = 0;
  long warm_locks = 0;
  long last_locks = 0;
  // Kept out of the callback, which must not allocate itself.
  const std::function<void(std::string_view)> on_text = [&](std::string_view) {
    last = tests::allocation_count.load();
    last_locks = tests::lock_count.load();
    if (++pieces != 20) return;  // buffers have seen their longest token
    warm = last;
    warm_locks = last_locks;
  };
  const GenerationResult result =
      generate(session, *model, model->tokenizer().encode("ROMEO:"), options, on_text);
  EXPECT_EQ(result.tokens.size(), 200u);
  EXPECT_GT(pieces, 100);
  EXPECT_EQ(last - warm, 0);
  EXPECT_EQ(last_locks - warm_locks, 0);
}

TEST(TokenLoop, TheCountersCount) {
  EXPECT_EQ(tests::allocations_of([] { ::operator delete(::operator new(1)); }), 1);
  if (!tests::kLocksAreCounted) return;
  std::mutex mutex;
  EXPECT_EQ(tests::locks_of([&] { const std::lock_guard<std::mutex> guard(mutex); }), 1);
}

}  // namespace
}  // namespace burin::runtime
