// A token each of several sequences in one pass: logits are those of each one by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/error_text.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using testing::HasSubstr;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

// Sessions, and others that evaluate the same one by one.
class Pairs {
 public:
  Pairs(std::shared_ptr<const Model> model, const SessionOptions& options) : model_(std::move(model)) {
    for (const std::int64_t length : {3, 70, 41, 129, 64}) add(length, options);
  }

  void add(std::int64_t length, const SessionOptions& options) {
    std::vector<TokenId> prompt = tests::made_tokens(length, model_->vocabulary_size());
    std::rotate(prompt.begin(), prompt.begin() + length / 3, prompt.end());
    for (auto* list : {&together_, &alone_}) {
      list->push_back(std::make_unique<Session>(model_, options));
      list->back()->evaluate(prompt);
    }
  }

  void step(int number) {
    std::vector<Session*> sessions;
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < together_.size(); ++i) {
      tokens.push_back(
          static_cast<TokenId>((number * 31 + static_cast<int>(i) * 7) % model_->vocabulary_size()));
      sessions.push_back(together_[i].get());
      alone_[i]->evaluate({&tokens[i], 1});
    }
    Session::evaluate_together(sessions, tokens);
  }

  // Relative to the largest logit.
  void expect_equal(double tolerance) const {
    for (std::size_t i = 0; i < alone_.size(); ++i) {
      const std::span<const float> expected = alone_[i]->logits();
      const std::span<const float> logits = together_[i]->logits();
      float largest = 0;
      for (const float logit : expected) largest = std::max(largest, std::fabs(logit));
      for (std::size_t token = 0; token < expected.size(); ++token)
        ASSERT_NEAR(logits[token], expected[token], tolerance * static_cast<double>(largest))
            << "sequence " << i << " token " << token;
      EXPECT_EQ(together_[i]->position(), alone_[i]->position());
      EXPECT_EQ(together_[i]->cached_tokens(), alone_[i]->cached_tokens());
    }
  }

 private:
  std::shared_ptr<const Model> model_;
  std::vector<std::unique_ptr<Session>> together_;
  std::vector<std::unique_ptr<Session>> alone_;
};

constexpr double kRounding = 2e-5;

class Together : public testing::TestWithParam<const char*> {
 protected:
  std::string path() const { return std::string("arch/") + GetParam(); }
  std::shared_ptr<const Model> model(std::int64_t context, graph::KvType kv) const {
    return tests::load_model(tests::reference_path(path()),
                             {.compute = graph::ComputeType::f32, .kv = kv, .context = context});
  }
};

TEST_P(Together, EvaluatesAsEachAlone) {
  BURIN_NEEDS_REFERENCE(path());
  Pairs pairs(model(160, graph::KvType::f32), {});
  for (int i = 0; i < 6; ++i) pairs.step(i);
  pairs.expect_equal(kRounding);
}

// Full contexts that wrap in different places; tokens go at different steps.
TEST_P(Together, EvaluatesEndlessTexts) {
  BURIN_NEEDS_REFERENCE(path());
  Pairs pairs(model(72, graph::KvType::f32), {.endless = true, .keep = 4, .discard = 5});
  for (int i = 0; i < 12; ++i) pairs.step(i);
  pairs.expect_equal(kRounding);
}

// Each of another form: rotations, windows, distances, learned positions, experts, latent keys, queries that grow.
INSTANTIATE_TEST_SUITE_P(Models, Together,
                         testing::Values("llama2", "gemma3", "mistral", "mpt", "bloom", "gpt2", "opt",
                                         "mixtral", "deepseek-v2", "qwen1", "gpt-oss", "chatglm2", "phi3",
                                         "falcon-7b"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class TogetherKv : public testing::TestWithParam<graph::KvType> {};

TEST_P(TogetherKv, EvaluatesAsEachAloneOnEveryTarget) {
  for (const jit::Target& target : tests::host_targets()) {
    Pairs pairs(
        tests::load_model(
            kDemo,
            {.compute = graph::ComputeType::f32, .kv = GetParam(), .target = target.name, .context = 200}),
        {});
    for (int i = 0; i < 4; ++i) pairs.step(i);
    // Keys that are rounded can fall on either side.
    pairs.expect_equal(GetParam() == graph::KvType::f32 ? kRounding : 2e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, TogetherKv,
                         testing::Values(graph::KvType::f32, graph::KvType::f16, graph::KvType::bf16,
                                         graph::KvType::int8),
                         [](const auto& test) { return std::string(to_text(test.param)); });

// Each row's products are those of a single one then, not of a prompt's.
TEST(EvaluateTogether, FewSequencesAreMultipliedInInt8WherePromptsAreInBf16) {
  if (!jit::host_target().has(jit::Feature::avx512bf16))
    GTEST_SKIP() << "skipped: this CPU does not multiply bf16";
  Pairs pairs(tests::load_model(kDemo, {.compute = graph::ComputeType::int8_bf16, .context = 200}), {});
  for (int i = 0; i < 4; ++i) pairs.step(i);
  pairs.expect_equal(kRounding);
}

TEST(EvaluateTogether, TakesMoreSequencesThanAChunkHasRows) {
  const auto model = tests::load_model(
      kDemo, {.compute = graph::ComputeType::f32, .kv = graph::KvType::f32, .chunk = 4, .context = 200});
  Pairs pairs(model, {});
  for (std::int64_t i = 1; i < 5; ++i) pairs.add(10 * i, {});
  for (int i = 0; i < 3; ++i) pairs.step(i);
  pairs.expect_equal(kRounding);
}

TEST(EvaluateTogether, ForksThatShareThreadsAndOwnOnes) {
  const auto model = tests::load_model(
      kDemo, {.compute = graph::ComputeType::f32, .kv = graph::KvType::f32, .context = 100});
  Session root(model);
  root.evaluate(tests::made_tokens(70, 500));
  const auto shared = root.fork(ForkThreads::shared);
  const auto own = root.fork(ForkThreads::own);
  Session::evaluate_together(std::vector<Session*>{shared.get(), own.get()}, std::vector<TokenId>{1, 2});
  EXPECT_EQ(root.position(), 70);
  for (const auto& [session, token] : {std::pair(shared.get(), 1), std::pair(own.get(), 2)}) {
    Session alone(model);
    std::vector<TokenId> tokens = tests::made_tokens(70, 500);
    tokens.push_back(token);
    alone.evaluate(tokens);
    for (std::size_t i = 0; i < alone.logits().size(); ++i)
      ASSERT_NEAR(session->logits()[i], alone.logits()[i], 1e-3) << token;
  }
}

TEST(EvaluateTogether, RefusesWhatDoesNotFitTogetherAndChangesNothing) {
  const auto model = tests::load_model(kDemo, {.context = 80});
  const auto another = tests::load_model(kDemo, {.context = 80});
  Session first(model);
  Session second(model);
  Session full(model);
  Session endless(model, {.endless = true});
  Session of_another(another);
  full.evaluate(tests::made_tokens(80, 500));
  const auto refusal = [](const std::vector<Session*>& sessions, const std::vector<TokenId>& tokens) {
    return tests::error_of([&] { Session::evaluate_together(sessions, tokens); });
  };
  EXPECT_THAT(refusal({&first, &second}, {1}), HasSubstr("2 sessions and 1 tokens"));
  EXPECT_THAT(refusal({&first, &second, &first}, {1, 2, 3}), HasSubstr("one of the 3 is there twice"));
  EXPECT_THAT(refusal({&first, &of_another}, {1, 2}), HasSubstr("model and options are the same"));
  EXPECT_THAT(refusal({&first, &endless}, {1, 2}), HasSubstr("model and options are the same"));
  EXPECT_THAT(refusal({&first, &full}, {1, 2}), HasSubstr("context is full"));
  EXPECT_THAT(refusal({&first, &second}, {1, -2}), HasSubstr("token 1 of the input is -2"));
  EXPECT_EQ(refusal({}, {}), "no error");
  EXPECT_EQ(first.position(), 0);
  EXPECT_EQ(second.position(), 0);
  EXPECT_EQ(refusal({&first, &second}, {1, 2}), "no error") << "nobody is left as busy";
  EXPECT_EQ(first.position(), 1);
}

}  // namespace
}  // namespace burin::runtime
