// Whole models of every shape the LLaMA family comes in, made up and written to files: kernels and sessions
// against the oracle, from the file to the logits.
#include <gtest/gtest.h>

#include "graph/arch/architectures.hpp"
#include "tests/oracle/model_tensors.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using graph::ComputeType;
using graph::KvType;
using kernels::StoredType;
using tests::ModelSettings;
using tests::TemporaryFolder;
using tests::TinyLlama;
using tests::TinyRopeScaling;

constexpr std::size_t kPositions = 75;  // more than a block of the KV cache

// One way to store a model.
struct StoredModel {
  TemporaryFolder folder;
  std::string path;

  StoredModel(const TinyLlama& model, bool gguf) {
    if (gguf) {
      path = folder.write("model.gguf", tests::tiny_gguf(model).bytes());
    } else {
      tests::write_tiny_folder(folder, model, 3);
      path = folder.path();
    }
  }
};

std::vector<TokenId> some_tokens() {
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < kPositions; ++i) tokens.push_back(static_cast<TokenId>((i * 37 + 5) % 250));
  return tokens;
}

std::vector<double> oracle_logits(const StoredModel& stored) {
  const auto file = ModelFile::open(stored.path);
  return tests::oracle_logits(*file, graph::build_decoder(file->description()).graph, some_tokens());
}

void expect_same(const std::vector<float>& logits, const std::vector<double>& expected) {
  ASSERT_EQ(logits.size(), expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::fabs(value));
  ASSERT_GT(largest, 0.1) << "nothing to compare";
  for (std::size_t i = 0; i < logits.size(); ++i)
    ASSERT_NEAR(static_cast<double>(logits[i]), expected[i], 2e-5 * largest + 1e-5) << "logit " << i;
}

// Distance of two rows of numbers as a share of the second's length.
double relative_distance(const std::vector<float>& logits, const std::vector<double>& expected) {
  double difference = 0;
  double length = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    difference +=
        (static_cast<double>(logits[i]) - expected[i]) * (static_cast<double>(logits[i]) - expected[i]);
    length += expected[i] * expected[i];
  }
  return std::sqrt(difference / length);
}

void check(const TinyLlama& model) {
  for (const bool gguf : {true, false}) {
    const StoredModel stored(model, gguf);
    SCOPED_TRACE(gguf ? "GGUF" : "Hugging Face");
    const std::vector<double> expected = oracle_logits(stored);
    for (const jit::Target& target : tests::host_targets()) {
      SCOPED_TRACE(target.name);
      for (const std::int64_t chunk : {1, 7, 512}) {
        const auto loaded =
            tests::load_model(stored.path, {.target = target.name, .chunk = chunk, .context = 128});
        expect_same(tests::all_logits(loaded, some_tokens()), expected);
      }
    }
  }
}

TEST(Oracle, MultiHead) { check({.layers = 2, .heads = 4, .kv_heads = 4}); }
TEST(Oracle, GroupedQuery) { check({.hidden = 48, .feed_forward = 44, .heads = 6, .kv_heads = 2}); }
TEST(Oracle, MultiQuery) { check({.hidden = 60, .feed_forward = 172, .heads = 5, .kv_heads = 1}); }
TEST(Oracle, OneHead) { check({.hidden = 36, .feed_forward = 33, .heads = 1, .kv_heads = 1}); }
TEST(Oracle, TiedHead) { check({.own_head = false}); }

TEST(Oracle, HeadSizesThatAreNoPowerOfTwo) {
  for (const int head_size : {2, 6, 20, 48, 80, 130}) {
    SCOPED_TRACE(head_size);
    check({.hidden = 40, .feed_forward = 50, .heads = 2, .kv_heads = 1, .given_head_size = head_size});
  }
}

TEST(Oracle, Biases) { check({.heads = 4, .kv_heads = 2, .biases = true}); }

TEST(Oracle, RotaryScalings) {
  check({.rope_base = 500000});
  check({.hidden = 64, .rope_scaling = TinyRopeScaling::linear});
  check({.hidden = 64, .rope_base = 1000, .rope_scaling = TinyRopeScaling::llama3});
}

// A Hugging Face folder with other settings than the LLaMA that was written.
void check_with_settings(const TinyLlama& model, const nlohmann::json& settings) {
  const StoredModel stored(model, false);
  nlohmann::json config = tests::tiny_config(model);
  config.update(settings);
  stored.folder.write("config.json", config.dump());
  const std::vector<double> expected = oracle_logits(stored);
  for (const jit::Target& target : tests::host_targets())
    for (const std::int64_t chunk : {1, 7, 512}) {
      SCOPED_TRACE(target.name);
      expect_same(tests::all_logits(
                      tests::load_model(stored.path, {.target = target.name, .chunk = chunk, .context = 128}),
                      some_tokens()),
                  expected);
    }
}

TEST(Oracle, Windows) {
  for (const int window : {1, 16, 64, 74, 1000})
    check_with_settings({.layers = 2, .heads = 4, .kv_heads = 2},
                        {{"architectures", {"MistralForCausalLM"}}, {"sliding_window", window}});
  check_with_settings({.layers = 3, .biases = true}, {{"architectures", {"Qwen2ForCausalLM"}},
                                                      {"use_sliding_window", true},
                                                      {"sliding_window", 20},
                                                      {"max_window_layers", 1}});
}

TEST(Oracle, GateFunctions) {
  for (const char* function : {"gelu", "gelu_pytorch_tanh", "relu", "relu2"})
    check_with_settings({.hidden = 48, .feed_forward = 44}, {{"hidden_act", function}});
}

TEST(Oracle, RotaryScalingsWithAMagnitude) {
  check_with_settings(
      {.hidden = 64},
      {{"rope_scaling", {{"type", "yarn"}, {"factor", 4}, {"original_max_position_embeddings", 32}}}});
}

TEST(Oracle, SixteenBitWeights) {
  check({.matrices = StoredType::f16});
  check({.matrices = StoredType::bf16});
}

TEST(Oracle, StoredBlocks) {
  for (const StoredType type :
       {StoredType::q4_0, StoredType::q4_1, StoredType::q5_0, StoredType::q5_1, StoredType::q8_0}) {
    const TinyLlama model = {.hidden = 64, .feed_forward = 96, .heads = 4, .kv_heads = 2, .matrices = type};
    SCOPED_TRACE(kernels::layout_of(type).name);
    const StoredModel stored(model, true);
    const std::vector<double> expected = oracle_logits(stored);
    for (const jit::Target& target : tests::host_targets()) {
      SCOPED_TRACE(target.name);
      expect_same(tests::all_logits(tests::load_model(stored.path, {.target = target.name, .context = 128}),
                                    some_tokens()),
                  expected);
      for (const ComputeType compute : {ComputeType::int8, ComputeType::int8_row})
        for (const KvType kv : {KvType::f32, KvType::bf16}) {
          const ModelSettings rounded = {.compute = compute, .kv = kv, .target = target.name, .context = 128};
          EXPECT_LT(relative_distance(
                        tests::all_logits(tests::load_model(stored.path, rounded), some_tokens()), expected),
                    0.03);
        }
    }
  }
}

TEST(Oracle, QuantisedOnLoad) {
  const TinyLlama model = {.hidden = 64, .feed_forward = 172, .layers = 2, .heads = 4, .kv_heads = 2};
  const StoredModel stored(model, false);
  const std::vector<double> expected = oracle_logits(stored);
  // What rounding the weights may cost: coarse for few bits, but never nonsense.
  const std::pair<const char*, double> formats[] = {
      {"int8s.g32.f16", 0.02}, {"int8a.g64.f32", 0.02}, {"int6s.g32.bf16", 0.08}, {"int5a.g128.f16", 0.15},
      {"int4s.g32.f16", 0.25}, {"int4a.g32.f16", 0.2},  {"int3a.g32.f16", 0.45},  {"f16", 0.001},
      {"bf16", 0.01},          {"nf4.g64.f32", 0.25},   {"fp4.g64.f32", 0.35},    {"e2m1.g32.e8m0", 0.35},
      {"iq4nl.g32.f16", 0.25}};
  for (const auto& [format, limit] : formats) {
    SCOPED_TRACE(format);
    for (const ComputeType compute : {ComputeType::f32, ComputeType::int8, ComputeType::int8_row}) {
      if (compute != ComputeType::f32 && !kernels::parse_weight_format(format).is_integer()) continue;
      const auto loaded =
          tests::load_model(stored.path, {.compute = compute, .context = 128, .weights = format});
      EXPECT_LT(relative_distance(tests::all_logits(loaded, some_tokens()), expected), limit);
    }
  }
}

}  // namespace
}  // namespace burin::runtime
