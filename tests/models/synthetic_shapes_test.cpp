// Published full sizes of every architecture (bench --synthetic): they have the number of weights that their authors
// state, they plan, and a layer of each computes. BURIN_NIGHTLY=1 runs a layer of all of them, else of a few small ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "graph/arch/architectures.hpp"
#include "graph/plan.hpp"
#include "runtime/session.hpp"
#include "runtime/synthetic/description.hpp"
#include "tests/support/error_text.hpp"

namespace burin::runtime {
namespace {

// Billions of weights, from the models' cards or their papers.
struct Published {
  const char* name;
  double billions;
};
constexpr Published kPublished[] = {
    {"qwen1-7b", 7.72},       {"qwen2-7b", 7.62},
    {"qwen3-8b", 8.19},       {"mistral-7b", 7.24},
    {"baichuan-7b", 7.00},    {"baichuan-13b", 13.26},
    {"baichuan2-7b", 7.51},   {"granite-8b", 8.17},
    {"smollm3-3b", 3.08},     {"olmo2-7b", 7.30},
    {"gemma-7b", 8.54},       {"gemma2-9b", 9.24},
    {"gemma3-4b", 3.88},      {"phi-2", 2.78},
    {"phi-3-mini", 3.82},     {"gpt2-xl", 1.56},
    {"gptj-6b", 6.05},        {"pythia-6.9b", 6.86},
    {"dolly-v2-12b", 11.8},   {"redpajama-7b", 6.86},
    {"opt-6.7b", 6.66},       {"opt-350m", 0.331},
    {"starcoder-15b", 15.5},  {"starcoder2-7b", 7.17},
    {"falcon-40b", 41.3},     {"falcon-rw-7b", 7.51},
    {"chatglm2-6b", 6.24},    {"chatglm3-6b", 6.24},
    {"glm4-9b", 9.40},        {"glm4-9b-0414", 9.40},
    {"stablelm-3b", 2.80},    {"stablelm-12b", 12.14},
    {"command-r-35b", 34.98}, {"command-r-plus-104b", 103.8},
    {"gpt-oss-20b", 20.9},    {"deepseek-v2-lite", 15.7},
    {"smollm-135m", 0.135},   {"llama-1b", 1.24},
    {"llama-7b", 6.74},       {"llama-13b", 13.02},
    {"llama-3-8b", 8.03},     {"llama-70b", 68.98},
    {"tinyllama-1.1b", 1.10}, {"mixtral-8x7b", 46.70},
    {"qwen3-30b-a3b", 30.5},  {"neox-20b", 20.55},
    {"falcon-7b", 6.92},      {"mpt-7b", 6.65},
    {"bloom-7b", 7.07},
};

TEST(SyntheticShapes, HaveTheirPublishedNumberOfWeights) {
  std::set<std::string_view> known;
  for (const Published& published : kPublished) known.insert(published.name);
  for (const std::string_view name : synthetic_names()) EXPECT_TRUE(known.contains(name)) << name;
  for (const Published& published : kPublished) {
    double weights = 0;
    for (const graph::TensorDescription& tensor : synthetic_description(published.name).tensors) {
      double count = 1;
      for (const std::int64_t size : tensor.shape) count *= static_cast<double>(size);
      weights += count;
    }
    EXPECT_NEAR(weights / 1e9, published.billions, 0.01 * published.billions) << published.name;
  }
}

TEST(SyntheticShapes, Plan) {
  graph::PlanOptions options;
  options.weights = kernels::parse_weight_format("int4s.g32.f16");
  options.context = 1024;
  for (const std::string_view name : synthetic_names()) {
    const graph::Plan plan = graph::make_plan(synthetic_description(std::string(name)),
                                              jit::parse_target("sapphirerapids"), options);
    EXPECT_GT(plan.decode.size(), 10u) << name;
    EXPECT_LE(graph::barriers_per_layer(plan), 6) << name;
  }
}

TEST(SyntheticShapes, LayersAndVocabularyMayBeOthers) {
  const graph::ModelDescription model = synthetic_description("qwen2-7b:3:512");
  const graph::Decoder decoder = graph::build_decoder(model);
  EXPECT_EQ(decoder.layers, 3);
  EXPECT_EQ(decoder.vocabulary, 512);
  EXPECT_EQ(graph::build_decoder(synthetic_description("llama-7b:2:640")).vocabulary, 640);
  for (const char* wrong : {"qwen2-7b:", "qwen2-7b:0", "qwen2-7b:1:", "qwen2-7b:1:x", "qwen2-7b:1:2:3"})
    EXPECT_EQ(tests::error_of([&] { synthetic_description(wrong); }).find("synthetic shape '"), 0u) << wrong;
}

// A prompt and a token, finite logits.
void run_a_layer(const std::string& shape) {
  LoadOptions options;
  options.threads = 2;
  options.plan.weights = kernels::parse_weight_format("int4s.g32.f16");
  options.plan.context = 64;
  const auto model = Model::synthetic(shape, options);
  Session session(model);
  for (const std::vector<TokenId>& tokens : {std::vector<TokenId>{1, 2, 3, 4, 5, 6, 7}, {8}}) {
    session.evaluate(tokens);
    for (const float logit : session.logits()) ASSERT_TRUE(std::isfinite(logit)) << shape;
  }
}

TEST(SyntheticShapes, ALayerComputes) {
  const char* nightly = std::getenv("BURIN_NIGHTLY");
  if (nightly != nullptr && std::string_view(nightly) == "1") {
    for (const std::string_view name : synthetic_names()) run_a_layer(fmt::format("{}:2:512", name));
    return;
  }
  for (const char* shape : {"opt-350m:1:512", "gpt2-xl:1:512", "phi-2:1:512", "smollm3-3b:1:512"})
    run_a_layer(shape);
}

}  // namespace
}  // namespace burin::runtime
