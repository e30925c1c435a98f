// gpt-oss as llama.cpp's converter writes it: gate, up and down of all experts in a tensor each, plain or in MXFP4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "graph/arch/architectures.hpp"
#include "graph/plan.hpp"
#include "tests/models/expect_logits.hpp"
#include "tests/support/changed_model.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;

constexpr const char* kReference = "arch/gpt-oss";
constexpr std::int64_t kExperts = 4, kHidden = 128, kWidth = 128;

const json kKeys = {{"embedding_length", kHidden},
                    {"feed_forward_length", kWidth},
                    {"expert_feed_forward_length", kWidth},
                    {"block_count", 3},
                    {"attention.head_count", 4},
                    {"attention.head_count_kv", 2},
                    {"attention.key_length", 32},
                    {"attention.value_length", 32},
                    {"attention.layer_norm_rms_epsilon", 1e-5},
                    {"attention.sliding_window", 32},
                    {"context_length", 256},
                    {"expert_count", kExperts},
                    {"expert_used_count", 2},
                    {"rope.freq_base", 150000.0},
                    {"rope.scaling.type", "yarn"},
                    {"rope.scaling.factor", 4.0},
                    {"rope.scaling.original_context_length", 64}};
const TensorNamePairs kNames = {{"post_attention_layernorm", "post_attention_norm"},
                                {"self_attn.sinks", "attn_sinks.weight"},
                                {"mlp.router", "ffn_gate_inp"}};

// [experts, inputs, outputs] becomes [experts, count, inputs]: `count` of the outputs, from `first` on, every `step`th.
ChangedTensor outputs_of(const ChangedTensor& stored, std::size_t first, std::size_t step,
                         std::size_t count) {
  const auto experts = static_cast<std::size_t>(stored.shape[0]);
  const auto inputs = static_cast<std::size_t>(stored.shape[1]);
  const auto outputs = static_cast<std::size_t>(stored.shape[2]);
  ChangedTensor made = {{stored.shape[0], static_cast<std::int64_t>(count), stored.shape[1]}, {}};
  for (std::size_t expert = 0; expert < experts; ++expert)
    for (std::size_t output = 0; output < count; ++output)
      for (std::size_t input = 0; input < inputs; ++input)
        made.values.push_back(stored.values[(expert * inputs + input) * outputs + first + output * step]);
  return made;
}

// A bias [experts, outputs] is what a matrix of one input is.
ChangedTensor biases_of(ChangedTensor stored, std::size_t first, std::size_t step, std::size_t count) {
  stored.shape.insert(stored.shape.begin() + 1, 1);
  ChangedTensor made = outputs_of(stored, first, step, count);
  made.shape.pop_back();
  return made;
}

ChangedTensor take(ChangedModel& model, const std::string& name) {
  ChangedTensor tensor = std::move(model.tensors.at(name));
  model.tensors.erase(name);
  return tensor;
}

ChangedModel with_separate_experts() {
  ChangedModel model(kReference);
  for (int layer = 0; layer < 3; ++layer) {
    const std::string from = fmt::format("model.layers.{}.mlp.experts.", layer);
    const std::string to = fmt::format("model.layers.{}.", layer);
    const ChangedTensor gate_up = take(model, from + "gate_up_proj");
    const ChangedTensor gate_up_bias = take(model, from + "gate_up_proj_bias");
    for (const auto& [name, first] : {std::pair("ffn_gate_exps", 0), std::pair("ffn_up_exps", 1)}) {
      const auto place = static_cast<std::size_t>(first);
      model.tensors[to + name + ".weight"] = outputs_of(gate_up, place, 2, kWidth);
      model.tensors[to + name + ".bias"] = biases_of(gate_up_bias, place, 2, kWidth);
    }
    model.tensors[to + "ffn_down_exps.weight"] = outputs_of(take(model, from + "down_proj"), 0, 1, kHidden);
    model.tensors[to + "ffn_down_exps.bias"] = take(model, from + "down_proj_bias");
  }
  return model;
}

TEST(GptOssGguf, HasTheLogitsOfTheOriginal) {
  BURIN_NEEDS_REFERENCE(kReference);
  const std::vector<float> stored = read_floats(reference_path(std::string(kReference) + "/logits.f32"));
  const TemporaryFolder folder;
  expect_logits(with_separate_experts().write_gguf(folder, "gpt-oss", kKeys, kNames), tokens_of(kReference),
                {stored.begin(), stored.end()});
}

struct QuantisedExperts {
  kernels::StoredType type;
  const char* format;  // in which they are packed
};

class GptOssGgufQuantised : public testing::TestWithParam<QuantisedExperts> {};

TEST_P(GptOssGgufQuantised, KeepsItsExperts) {
  BURIN_NEEDS_REFERENCE(kReference);
  ChangedModel model = with_separate_experts();
  for (auto& [name, tensor] : model.tensors)
    if (name.ends_with("_exps.weight")) tensor.gguf_type = GetParam().type;
  const TemporaryFolder folder;
  const std::string path = model.write_gguf(folder, "gpt-oss", kKeys, kNames);
  const auto file = runtime::ModelFile::open(path);
  const std::vector<runtime::TokenId> tokens = tokens_of(kReference);
  expect_logits(path, tokens, oracle_logits(*file, graph::build_decoder(file->description()).graph, tokens));
  const auto loaded = load_model(path);
  std::set<std::string> formats;
  for (const graph::PackedMatrix& matrix : loaded->plan().matrices)
    formats.insert(kernels::to_text(matrix.format));
  EXPECT_THAT(formats, testing::Contains(GetParam().format));
}

INSTANTIATE_TEST_SUITE_P(Types, GptOssGgufQuantised,
                         testing::Values(QuantisedExperts{kernels::StoredType::q8_0, "int8s.g32.f16"},
                                         QuantisedExperts{kernels::StoredType::mxfp4, "e2m1.g32.e8m0"}),
                         [](const auto& test) {
                           return std::string(kernels::layout_of(test.param.type).name);
                         });

}  // namespace
}  // namespace burin::tests
