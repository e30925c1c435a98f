// The shipped model: always there, so these run everywhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "jit/error.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using graph::ComputeType;
using graph::KvType;
using tests::load_model;
using tests::ModelSettings;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

nlohmann::json reference() { return tests::read_json(BURIN_SOURCE_DIR "/demo/reference.json"); }
std::vector<TokenId> prompt() { return reference()["tokens"].get<std::vector<TokenId>>(); }

TEST(Demo, GreedyTextIsTheReference) {
  const nlohmann::json expected = reference();
  const auto model = load_model(kDemo, {.compute = ComputeType::automatic, .kv = KvType::automatic});
  EXPECT_EQ(model->tokenizer().encode(expected["prompt"].get<std::string>()), prompt());
  const auto tokens = expected["greedy"].get<std::vector<TokenId>>();
  const GenerationResult result = tests::greedy(model, prompt(), static_cast<std::int64_t>(tokens.size()));
  EXPECT_EQ(result.tokens, tokens);
  const auto text = expected["greedy_text"].get<std::string>();
  EXPECT_EQ(result.text.substr(0, text.size()), text);
  EXPECT_EQ(result.reason, StopReason::length);
}

TEST(Demo, SameTokensWithAnyNumberOfThreads) {
  for (const ComputeType compute : {ComputeType::f32, ComputeType::int8, ComputeType::int8_row}) {
    const auto one = tests::greedy(load_model(kDemo, {.compute = compute, .threads = 1}), prompt(), 64);
    for (const int threads : {2, 3, 7})
      EXPECT_EQ(
          tests::greedy(load_model(kDemo, {.compute = compute, .threads = threads}), prompt(), 64).tokens,
          one.tokens)
          << threads << " threads";
  }
}

TEST(Demo, SameTokensInAnyChunks) {
  const auto text =
      tests::read_json(BURIN_SOURCE_DIR "/demo/reference.json")["greedy_text"].get<std::string>();
  const auto whole = load_model(kDemo, {.compute = ComputeType::int8, .kv = KvType::bf16});
  std::vector<TokenId> tokens = whole->tokenizer().encode(text + text + text + text);
  ASSERT_GT(tokens.size(), 130u);
  for (const ComputeType compute : {ComputeType::f32, ComputeType::int8, ComputeType::int8_row})
    for (const KvType kv : {KvType::f32, KvType::bf16}) {
      const auto expected = tests::greedy(load_model(kDemo, {.compute = compute, .kv = kv}), tokens, 32);
      for (const std::int64_t chunk : {1, 7, 64})
        EXPECT_EQ(tests::greedy(load_model(kDemo, {.compute = compute, .kv = kv, .chunk = chunk}), tokens, 32)
                      .tokens,
                  expected.tokens)
            << "chunks of " << chunk;
    }
}

// Batched rows and single rows go through different kernels; with f32 they agree to rounding.
TEST(Demo, LogitsOfAllPositionsInAnyChunks) {
  const std::vector<TokenId> tokens =
      load_model(kDemo)->tokenizer().encode(reference()["greedy_text"].get<std::string>());
  const std::vector<float> expected = tests::all_logits(load_model(kDemo), tokens);
  for (const std::int64_t chunk : {1, 7}) {
    const std::vector<float> rows = tests::all_logits(load_model(kDemo, {.chunk = chunk}), tokens);
    ASSERT_EQ(rows.size(), expected.size());
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_NEAR(rows[i], expected[i], 1e-4) << "logit " << i;
  }
}

std::vector<float> logits_on(const std::string& target, ComputeType compute, std::int64_t chunk = 512) {
  const auto model =
      load_model(kDemo, {.compute = compute, .kv = KvType::f32, .target = target, .chunk = chunk});
  return tests::all_logits(model, model->tokenizer().encode(reference()["greedy_text"].get<std::string>()));
}

double largest_difference(const std::vector<float>& x, const std::vector<float>& y) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
  return largest;
}

// Weights and activations are rounded to 8 bits each, or 11; the last chunk of one row is computed in f32.
TEST(Demo, ComputeInHalvesIsCloseToF32) {
  const std::vector<float> exact = logits_on("detect", ComputeType::f32);
  double largest = 0;
  for (const float logit : exact) largest = std::max(largest, std::fabs(static_cast<double>(logit)));
  bool any = false;
  struct Case {
    const char* target;
    ComputeType compute;
    double price;  // of the largest logit
  };
  for (const auto& [target, compute, price] : {Case{"avx512bf16", ComputeType::bf16, 0.01},
                                               {"amx-bf16", ComputeType::bf16, 0.01},
                                               {"avx512fp16", ComputeType::f16, 0.005},
                                               {"amx-fp16", ComputeType::f16, 0.002}}) {
    if (!jit::host_target().features.contains(jit::parse_target(target).features)) continue;
    any = true;
    for (const std::int64_t chunk : {512, 7}) {
      const std::vector<float> rounded = logits_on(target, compute, chunk);
      ASSERT_EQ(rounded.size(), exact.size());
      EXPECT_LT(largest_difference(rounded, exact), price * largest) << target << ", chunks of " << chunk;
      EXPECT_NE(rounded, exact) << target << ": nothing was rounded";
    }
  }
  if (!any) GTEST_SKIP() << "skipped: this CPU multiplies neither bf16 nor f16";
}

// Decoding equals prefill, bit for bit: groups are added in the same order, whatever kernel has the row.
TEST(Demo, Int8LogitsInAnyChunks) {
  for (const ComputeType compute : {ComputeType::int8, ComputeType::int8_row}) {
    const std::vector<float> expected = logits_on("detect", compute);
    for (const std::int64_t chunk : {1, 7})
      EXPECT_EQ(logits_on("detect", compute, chunk), expected) << "chunks of " << chunk;
  }
}

// Few rows are those of int8, and so is every row's product with the head; many are close to f32.
TEST(Demo, PromptsInBf16AndFewRowsInInt8) {
  const jit::Target target = jit::host_target();
  if (!target.has(jit::Feature::avx512bf16)) GTEST_SKIP() << "skipped: this CPU does not multiply bf16";
  const std::vector<float> int8 = logits_on("detect", ComputeType::int8);
  for (const std::int64_t chunk : {1, 7, 16})
    EXPECT_EQ(logits_on("detect", ComputeType::int8_bf16, chunk), int8) << "chunks of " << chunk;
  const std::vector<float> mixed = logits_on("detect", ComputeType::int8_bf16);
  EXPECT_NE(mixed, int8);
  const double price = largest_difference(int8, logits_on("detect", ComputeType::f32));
  EXPECT_GT(price, 0);
  EXPECT_LT(largest_difference(mixed, int8), 3 * price);
}

TEST(Demo, Int8LogitsOnAmxAreThoseOfVectors) {
  if (!jit::host_target().has(jit::Feature::amx_int8)) GTEST_SKIP() << "skipped: this CPU has no AMX";
  for (const ComputeType compute : {ComputeType::int8, ComputeType::int8_row})
    EXPECT_EQ(logits_on("amx-int8", compute), logits_on("avx512vnni", compute));
}

TEST(Demo, SameTextOnEveryTarget) {
  const auto expected = tests::greedy(load_model(kDemo), prompt(), 96);
  for (const jit::Target& target : tests::host_targets())
    EXPECT_EQ(tests::greedy(load_model(kDemo, {.target = target.name}), prompt(), 96).text, expected.text)
        << target.name;
}

TEST(Demo, SessionsAreIndependent) {
  const auto model = load_model(kDemo);
  Session first(model);
  Session second(model);
  const std::vector<TokenId> tokens = prompt();
  first.evaluate(tokens);
  second.evaluate(std::vector<TokenId>{1, 2, 3});
  const std::vector<float> before(first.logits().begin(), first.logits().end());
  second.evaluate(tokens);
  EXPECT_EQ(std::vector<float>(first.logits().begin(), first.logits().end()), before);
  second.reset();
  EXPECT_EQ(second.position(), 0);
  second.evaluate(tokens);
  EXPECT_EQ(std::vector<float>(second.logits().begin(), second.logits().end()), before);
}

// Each has threads of its own: they are many more than CPUs here, and wait for nobody.
TEST(Demo, SessionsOfSeveralThreadsRunAtOnce) {
  const auto model = load_model(kDemo, {.threads = 3});
  const auto expected = tests::greedy(model, prompt(), 48);
  std::vector<std::vector<TokenId>> tokens(4);
  std::vector<std::thread> callers;
  for (std::vector<TokenId>& own : tokens)
    callers.emplace_back([&] { own = tests::greedy(model, prompt(), 48).tokens; });
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(tokens, testing::Each(expected.tokens));
}

TEST(Demo, RefusedTokensLeaveTheSequenceAsItWas) {
  const auto model = load_model(kDemo, {.context = 16});
  Session session(model);
  session.evaluate(prompt());
  const std::int64_t position = session.position();
  EXPECT_THROW(session.evaluate(std::vector<TokenId>{1, 512}), Error);
  EXPECT_THROW(session.evaluate(std::vector<TokenId>{-1}), Error);
  EXPECT_THROW(session.evaluate(std::vector<TokenId>(16, 1)), Error);
  EXPECT_EQ(session.position(), position);
}

TEST(Demo, EndsWhereTheContextDoes) {
  const auto model = load_model(kDemo, {.context = 16});
  const GenerationResult result = tests::greedy(model, prompt(), -1);
  EXPECT_EQ(result.reason, StopReason::context);
  EXPECT_EQ(prompt().size() + result.tokens.size(), 17u);  // the last one need not be evaluated
}

TEST(Demo, EndsBeforeAStopText) {
  const auto model = load_model(kDemo);
  Session session(model);
  GenerationOptions options;
  options.sampling.temperature = 0;
  options.most_tokens = 96;
  options.stops = {"NORTHUMBERLAND"};
  std::string streamed;
  const GenerationResult result =
      generate(session, *model, prompt(), options, [&](std::string_view piece) { streamed += piece; });
  EXPECT_EQ(result.reason, StopReason::stop_text);
  EXPECT_EQ(result.text, streamed);
  const auto whole = reference()["greedy_text"].get<std::string>();
  EXPECT_EQ(streamed, whole.substr(0, whole.find("NORTHUMBERLAND")));
}

TEST(Demo, CancelEndsTheText) {
  const auto model = load_model(kDemo);
  Session session(model);
  GenerationOptions options;
  std::atomic<bool> cancel{false};
  int pieces = 0;
  const GenerationResult result = generate(
      session, *model, prompt(), options, [&](std::string_view) { cancel = ++pieces == 3; }, &cancel);
  EXPECT_EQ(result.reason, StopReason::interrupted);
  EXPECT_LT(result.tokens.size(), 20u);
}

TEST(Demo, SameSeedSameText) {
  const auto model = load_model(kDemo);
  const auto sampled = [&](std::uint64_t seed) {
    Session session(model);
    GenerationOptions options;
    options.sampling.seed = seed;
    options.most_tokens = 48;
    return generate(session, *model, prompt(), options, [](std::string_view) {}).text;
  };
  EXPECT_EQ(sampled(7), sampled(7));
  EXPECT_NE(sampled(7), sampled(8));
}

}  // namespace
}  // namespace burin::runtime
