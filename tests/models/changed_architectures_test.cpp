// Forms of architectures that the reference data has no model of, made from those it has: Baichuan 2's head, norms of
// single heads (Command-R+, StableLM 2 12B), DeepSeek-V2 as GGUF, MPT with learned positions; Falcon RW without its
// reference's second ALiBi.
#include <gtest/gtest.h>

#include <cmath>

#include "graph/arch/architectures.hpp"
#include "graph/plan.hpp"
#include "tests/models/expect_logits.hpp"
#include "tests/support/changed_model.hpp"
#include "tests/support/load_model.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;
using tests::ChangedModel;
using tests::ChangedTensor;
using tests::expect_logits;
using tests::TemporaryFolder;
using tests::tokens_of;

std::vector<double> oracle_logits(const std::string& path, const std::vector<TokenId>& tokens) {
  const auto file = ModelFile::open(path);
  return tests::oracle_logits(*file, graph::build_decoder(file->description()).graph, tokens);
}

// A row's logits divided by its length: from the logits of the model with the plain head.
TEST(ChangedArchitectures, Baichuan2DividesItsHeadByTheLengthsOfRows) {
  const std::string reference = "arch/baichuan-7b";
  BURIN_NEEDS_REFERENCE(reference);
  ChangedModel model(reference);
  const ChangedTensor& head = model.tensors.at("lm_head.weight");
  const std::vector<float> plain = tests::read_floats(tests::reference_path(reference + "/logits.f32"));
  const auto width = static_cast<std::size_t>(head.shape[1]);
  std::vector<double> expected;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::size_t row = i % static_cast<std::size_t>(head.shape[0]);
    double squares = 0;
    for (std::size_t k = row * width; k < (row + 1) * width; ++k)
      squares += static_cast<double>(head.values[k]) * static_cast<double>(head.values[k]);
    expected.push_back(static_cast<double>(plain[i]) / std::sqrt(squares));
  }
  model.config["z_loss_weight"] = 0;
  TemporaryFolder folder;
  model.write_folder(folder);
  expect_logits(folder.path().string(), tokens_of(reference), expected);
}

// The reference's own logits have ALiBi twice (docs/notes.md): the oracle meets them with doubled slopes, and the kernels
// meet the oracle with the slopes that falcon-rw-1b was published with.
TEST(ChangedArchitectures, FalconRwHasAlibiOnce) {
  const std::string reference = "arch/falcon-rw";
  BURIN_NEEDS_REFERENCE(reference);
  const std::string path = tests::reference_path(reference);
  expect_logits(path, tokens_of(reference), oracle_logits(path, tokens_of(reference)));
}

// Of the first layer's Q, written down once more.
void expect_norms_of_heads(const std::string& path, const std::vector<TokenId>& tokens,
                           const std::vector<float>& weights, std::size_t size) {
  const auto file = ModelFile::open(path);
  const graph::Graph graph = graph::build_decoder(file->description()).graph;
  tests::GraphOracle oracle(graph, [&](const std::string& name) { return tests::read_tensor(*file, name); });
  oracle.run(tokens);
  const auto norm = std::find_if(graph.nodes.begin(), graph.nodes.end(), [](const graph::Node& node) {
    return node.op == graph::Op::norm && node.norm.group > 0;
  });
  ASSERT_NE(norm, graph.nodes.end());
  const tests::Row& x = oracle.value(norm->inputs[0]).back();
  const tests::Row& y = oracle.value(norm->output).back();
  ASSERT_EQ(x.size(), weights.size());
  for (std::size_t head = 0; head < x.size(); head += size) {
    double mean = 0, square = 0;
    for (std::size_t i = head; i < head + size; ++i) mean += x[i] / static_cast<double>(size);
    for (std::size_t i = head; i < head + size; ++i)
      square += (x[i] - mean) * (x[i] - mean) / static_cast<double>(size);
    for (std::size_t i = head; i < head + size; ++i)
      ASSERT_NEAR(y[i], (x[i] - mean) / std::sqrt(square + 1e-5) * static_cast<double>(weights[i]), 1e-6)
          << i;
  }
}

const json kCommonKeys = {{"embedding_length", 128},
                          {"feed_forward_length", 352},
                          {"block_count", 3},
                          {"attention.head_count", 4},
                          {"attention.head_count_kv", 2},
                          {"context_length", 256},
                          {"attention.layer_norm_epsilon", 1e-5}};

json with(json keys, const json& more) {
  keys.update(more);
  return keys;
}

TEST(ChangedArchitectures, CommandRPlusNormalisesEachHeadWithItsOwnWeights) {
  const std::string reference = "arch/cohere";
  BURIN_NEEDS_REFERENCE(reference);
  ChangedModel model(reference);
  model.config["use_qk_norm"] = true;
  for (int layer = 0; layer < 3; ++layer)
    for (const auto& [name, heads] : {std::pair("q_norm", 4), std::pair("k_norm", 2)})
      model.add_random(fmt::format("model.layers.{}.self_attn.{}.weight", layer, name), {heads, 32}, true);
  TemporaryFolder folder;
  model.write_folder(folder);
  const std::vector<TokenId> tokens = tokens_of(reference);
  const std::vector<double> expected = oracle_logits(folder.path().string(), tokens);
  expect_norms_of_heads(folder.path().string(), tokens,
                        model.tensors.at("model.layers.0.self_attn.q_norm.weight").values, 32);
  expect_logits(folder.path().string(), tokens, expected);
  const json keys = with(kCommonKeys, {{"rope.freq_base", 500000.0}, {"logit_scale", 0.25}});
  const std::string gguf = model.write_gguf(
      folder, "command-r", keys, {{"self_attn.q_norm", "attn_q_norm"}, {"self_attn.k_norm", "attn_k_norm"}});
  expect_logits(gguf, tokens, expected);
}

TEST(ChangedArchitectures, StableLm12BNormalisesEachHeadWithItsOwnWeights) {
  const std::string reference = "arch/stablelm";
  BURIN_NEEDS_REFERENCE(reference);
  ChangedModel model(reference);
  model.config.update({{"qk_layernorm", true}, {"use_parallel_residual", true}});
  std::vector<float> queries;
  for (int layer = 0; layer < 3; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    for (const char* kind : {"weight", "bias"})
      model.tensors.erase(prefix + "post_attention_layernorm." + kind);
    for (const auto& [name, heads] : {std::pair("q_layernorm", 4), std::pair("k_layernorm", 2)})
      for (int head = 0; head < heads; ++head) {
        const std::string tensor = fmt::format("{}self_attn.{}.norms.{}.weight", prefix, name, head);
        model.add_random(tensor, {32}, true);
        const std::vector<float>& values = model.tensors.at(tensor).values;
        if (layer == 0 && heads == 4) queries.insert(queries.end(), values.begin(), values.end());
      }
  }
  TemporaryFolder folder;
  model.write_folder(folder);
  const std::vector<TokenId> tokens = tokens_of(reference);
  const std::vector<double> expected = oracle_logits(folder.path().string(), tokens);
  expect_norms_of_heads(folder.path().string(), tokens, queries, 32);
  expect_logits(folder.path().string(), tokens, expected);

  for (int layer = 0; layer < 3; ++layer)
    for (const auto& [name, heads] : {std::pair("q_layernorm", 4), std::pair("k_layernorm", 2)}) {
      std::vector<std::string> names;
      const std::string norm = fmt::format("model.layers.{}.self_attn.{}.", layer, name);
      for (int head = 0; head < heads; ++head) names.push_back(fmt::format("{}norms.{}.weight", norm, head));
      model.stack(names, norm + "weight");
    }
  const json keys = with(kCommonKeys, {{"rope.dimension_count", 8}, {"use_parallel_residual", true}});
  const std::string gguf =
      model.write_gguf(folder, "stablelm", keys,
                       {{"self_attn.q_layernorm", "attn_q_norm"}, {"self_attn.k_layernorm", "attn_k_norm"}});
  expect_logits(gguf, tokens, expected);
}

// --- DeepSeek-V2 as llama.cpp's converter writes it

constexpr std::int64_t kHeads = 4, kPlain = 32, kRotated = 16, kValue = 32, kLatent = 32;

const json kDeepseekKeys = {{"embedding_length", 128},
                            {"feed_forward_length", 352},
                            {"block_count", 3},
                            {"attention.head_count", kHeads},
                            {"context_length", 256},
                            {"attention.layer_norm_rms_epsilon", 1e-6},
                            {"rope.freq_base", 10000.0},
                            {"rope.dimension_count", kRotated},
                            {"attention.kv_lora_rank", kLatent},
                            {"leading_dense_block_count", 1},
                            {"expert_count", 4},
                            {"expert_used_count", 2},
                            {"expert_shared_count", 1},
                            {"expert_feed_forward_length", 96},
                            {"expert_weights_scale", 1.0},
                            {"expert_weights_norm", false},
                            {"expert_gating_func", 1}};
const tests::TensorNamePairs kDeepseekNames = {{"mlp.shared_experts.gate_proj", "ffn_gate_shexp"},
                                               {"mlp.shared_experts.up_proj", "ffn_up_shexp"},
                                               {"mlp.shared_experts.down_proj", "ffn_down_shexp"},
                                               {"mlp.gate.", "ffn_gate_inp."},
                                               {"self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"},
                                               {"self_attn.kv_a_layernorm", "attn_kv_a_norm"},
                                               {"self_attn.kv_b_proj", "attn_kv_b"}};

ChangedModel deepseek_with_stacked_experts() {
  ChangedModel model("arch/deepseek-v2");
  for (int layer = 1; layer < 3; ++layer)
    for (const auto& [part, stacked] :
         {std::pair("gate_proj", "ffn_gate_exps"), std::pair("up_proj", "ffn_up_exps"),
          std::pair("down_proj", "ffn_down_exps")}) {
      std::vector<std::string> names;
      for (int expert = 0; expert < 4; ++expert)
        names.push_back(fmt::format("model.layers.{}.mlp.experts.{}.{}.weight", layer, expert, part));
      model.stack(names, fmt::format("model.layers.{}.{}.weight", layer, stacked));
    }
  return model;
}

// attn_kv_b [heads * (plain + value), latent] becomes attn_k_b [heads, latent, plain], attn_v_b [heads, value, latent].
void take_keys_and_values_apart(ChangedModel& model, kernels::StoredType type) {
  for (int layer = 0; layer < 3; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    const ChangedTensor both = model.tensors.at(prefix + "self_attn.kv_b_proj.weight");
    model.tensors.erase(prefix + "self_attn.kv_b_proj.weight");
    ChangedTensor keys = {{kHeads, kLatent, kPlain}, {}, type};
    ChangedTensor values = {{kHeads, kValue, kLatent}, {}, type};
    const auto at = [&](std::int64_t head, std::int64_t row, std::int64_t column) {
      return both.values[static_cast<std::size_t>((head * (kPlain + kValue) + row) * kLatent + column)];
    };
    for (std::int64_t head = 0; head < kHeads; ++head) {
      for (std::int64_t l = 0; l < kLatent; ++l)
        for (std::int64_t p = 0; p < kPlain; ++p) keys.values.push_back(at(head, p, l));
      for (std::int64_t v = 0; v < kValue; ++v)
        for (std::int64_t l = 0; l < kLatent; ++l) values.values.push_back(at(head, kPlain + v, l));
    }
    model.tensors[prefix + "attn_k_b.weight"] = std::move(keys);
    model.tensors[prefix + "attn_v_b.weight"] = std::move(values);
  }
}

const json kOldForm = {{"attention.head_count_kv", kHeads},
                       {"attention.key_length", kPlain + kRotated},
                       {"attention.value_length", kValue}};
const json kNewForm = {{"attention.head_count_kv", 1},
                       {"attention.key_length", kLatent + kRotated},
                       {"attention.value_length", kLatent},
                       {"attention.key_length_mla", kPlain + kRotated},
                       {"attention.value_length_mla", kValue}};

TEST(ChangedArchitectures, DeepseekV2OfGgufHasTheLogitsOfTheOriginal) {
  BURIN_NEEDS_REFERENCE("arch/deepseek-v2");
  const std::vector<float> stored = tests::read_floats(tests::reference_path("arch/deepseek-v2/logits.f32"));
  const std::vector<double> expected(stored.begin(), stored.end());
  const std::vector<TokenId> tokens = tokens_of("arch/deepseek-v2");
  TemporaryFolder folder;
  ChangedModel model = deepseek_with_stacked_experts();
  expect_logits(model.write_gguf(folder, "deepseek2", with(kDeepseekKeys, kOldForm), kDeepseekNames), tokens,
                expected);
  take_keys_and_values_apart(model, kernels::StoredType::f32);
  expect_logits(model.write_gguf(folder, "deepseek2", with(kDeepseekKeys, kNewForm), kDeepseekNames), tokens,
                expected);
}

// Codes of attn_k_b are moved, for its groups run along what is multiplied.
TEST(ChangedArchitectures, DeepseekV2OfGgufKeepsItsQuantisedKeys) {
  BURIN_NEEDS_REFERENCE("arch/deepseek-v2");
  TemporaryFolder folder;
  ChangedModel model = deepseek_with_stacked_experts();
  take_keys_and_values_apart(model, kernels::StoredType::q8_0);
  const std::string path =
      model.write_gguf(folder, "deepseek2", with(kDeepseekKeys, kNewForm), kDeepseekNames);
  const std::vector<TokenId> tokens = tokens_of("arch/deepseek-v2");
  expect_logits(path, tokens, oracle_logits(path, tokens));
  const auto loaded = tests::load_model(path);
  int quantised = 0;
  for (const graph::PackedMatrix& matrix : loaded->plan().matrices)
    quantised += kernels::to_text(matrix.format) == "int8s.g32.f16";
  EXPECT_EQ(quantised, 6) << "keys and values of three layers";
}

// mscale_all_dim of 0.7: GGUF has a tenth of it.
TEST(ChangedArchitectures, DeepseekV2OfGgufScalesScoresAsYarnHasIt) {
  BURIN_NEEDS_REFERENCE("arch/deepseek-v2");
  TemporaryFolder folder;
  ChangedModel model("arch/deepseek-v2");
  model.config["rope_scaling"] = {{"type", "yarn"},
                                  {"factor", 8},
                                  {"beta_fast", 32},
                                  {"beta_slow", 1},
                                  {"mscale", 0.7},
                                  {"mscale_all_dim", 0.7},
                                  {"original_max_position_embeddings", 32}};
  model.write_folder(folder);
  const std::vector<TokenId> tokens = tokens_of("arch/deepseek-v2");
  const std::vector<double> expected = oracle_logits(folder.path().string(), tokens);
  expect_logits(folder.path().string(), tokens, expected);
  const json yarn = {{"rope.scaling.type", "yarn"},
                     {"rope.scaling.factor", 8.0},
                     {"rope.scaling.original_context_length", 32},
                     {"rope.scaling.yarn_log_multiplier", 0.07}};
  const json keys = with(with(kDeepseekKeys, kOldForm), yarn);
  expect_logits(deepseek_with_stacked_experts().write_gguf(folder, "deepseek2", keys, kDeepseekNames), tokens,
                expected);
}

TEST(ChangedArchitectures, DeepseekV3IsNoDeepseekV2) {
  BURIN_NEEDS_REFERENCE("arch/deepseek-v2");
  TemporaryFolder folder;
  json keys = with(kDeepseekKeys, kOldForm);
  keys["expert_gating_func"] = 2;
  const auto file =
      ModelFile::open(deepseek_with_stacked_experts().write_gguf(folder, "deepseek2", keys, kDeepseekNames));
  try {
    graph::build_decoder(file->description());
    FAIL() << "was built";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("expert_gating_func is 2: not supported yet: softmax"),
              std::string::npos)
        << error.what();
  }
}

// --- MPT

TEST(ChangedArchitectures, MptMayHaveLearnedPositions) {
  const std::string reference = "arch/mpt";
  BURIN_NEEDS_REFERENCE(reference);
  ChangedModel model(reference);
  model.config["attn_config"]["alibi"] = false;
  model.add_random("transformer.wpe.weight", {256, 128}, false);
  TemporaryFolder folder;
  model.write_folder(folder);
  const std::vector<TokenId> tokens = tokens_of(reference);
  const std::vector<double> expected = oracle_logits(folder.path().string(), tokens);
  const graph::Graph graph = graph::build_decoder(ModelFile::open(folder.path())->description()).graph;
  EXPECT_EQ(graph.nodes[1].embed.index, graph::EmbedIndex::position);
  for (const graph::Node& node : graph.nodes) EXPECT_TRUE(node.attention.slopes.empty());
  expect_logits(folder.path().string(), tokens, expected);
  const json keys =
      with(kCommonKeys,
           {{"attention.head_count_kv", 4}, {"feed_forward_length", 512}, {"attention.max_alibi_bias", 0.0}});
  const std::string gguf = model.write_gguf(folder, "mpt", keys,
                                            {{"transformer.wte", "token_embd"},
                                             {"transformer.wpe", "position_embd"},
                                             {"transformer.norm_f", "output_norm"},
                                             {"transformer.blocks", "blk"},
                                             {"norm_1", "attn_norm"},
                                             {"attn.Wqkv", "attn_qkv"},
                                             {"attn.out_proj", "attn_output"},
                                             {"norm_2", "ffn_norm"},
                                             {"ffn.up_proj", "ffn_up"},
                                             {"ffn.down_proj", "ffn_down"}});
  expect_logits(gguf, tokens, expected);
}

}  // namespace
}  // namespace burin::runtime
