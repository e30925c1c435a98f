// Every architecture's builder on the descriptions of real files, whole and damaged: what is missing or wrong
// is named, and nothing crashes.
#include "graph/arch/architectures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "graph/arch/decoder_shape.hpp"
#include "runtime/files/model_file.hpp"
#include "tests/graph/made_llama.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::graph {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// Descriptions of all reference models there are.
std::vector<ModelDescription> all_descriptions() {
  std::vector<ModelDescription> all;
  for (const auto& entry : std::filesystem::directory_iterator(tests::reference_path("arch"))) {
    if (!entry.is_directory()) continue;
    all.push_back(runtime::ModelFile::open(entry.path())->description());
    const std::filesystem::path gguf = entry.path() / (entry.path().filename().string() + ".gguf");
    if (std::filesystem::exists(gguf)) all.push_back(runtime::ModelFile::open(gguf)->description());
  }
  return all;
}

std::string build_error(const ModelDescription& model) {
  return tests::error_of([&] { build_decoder(model); });
}

// Tensors a graph reads.
std::set<std::string> tensors_of(const Graph& graph) {
  std::set<std::string> names;
  const auto add = [&](const LinearPart& part) { names.insert({part.weight, part.bias}); };
  for (const Node& node : graph.nodes) {
    names.insert({node.embed.table, node.norm.weight, node.norm.bias, node.rope.factors, node.attention.sinks,
                  node.rope.longer.factors});
    names.insert(node.norm.weights.begin(), node.norm.weights.end());
    std::for_each(node.linear.parts.begin(), node.linear.parts.end(), add);
    for (const Expert& expert : node.experts.experts)
      for (const LinearPart* part : {&expert.gate, &expert.up, &expert.down}) add(*part);
  }
  return names;
}

TEST(Architectures, EveryTensorOfAFileIsUsed) {
  BURIN_NEEDS_REFERENCE("arch");
  for (const ModelDescription& model : all_descriptions()) {
    const std::set<std::string> used = tensors_of(build_decoder(model).graph);
    for (const TensorDescription& tensor : model.tensors)
      EXPECT_TRUE(used.contains(tensor.name) || tensor.name.ends_with("inv_freq"))
          << model.path << ": " << tensor.name;
  }
}

// Of the last layer, so that counts in one layer only are seen, and of what stands outside of layers.
bool is_worth_trying(const ModelDescription& model, const std::string& tensor) {
  const int layers = build_decoder(model).layers;
  const std::string number = fmt::format(".{}.", layers - 1);
  return tensor.find(number) != std::string::npos ||
         std::none_of(tensor.begin(), tensor.end(), [](char c) { return c >= '0' && c <= '9'; });
}

TEST(Architectures, MissingAndMisshapenTensorsAreNamed) {
  BURIN_NEEDS_REFERENCE("arch");
  for (const ModelDescription& whole : all_descriptions()) {
    for (const std::string& name : tensors_of(build_decoder(whole).graph)) {
      if (name.empty() || !is_worth_trying(whole, name)) continue;
      ModelDescription wrong = whole;
      wrong.tensors[static_cast<std::size_t>(wrong.find(name))].shape.back() += 1;
      EXPECT_THAT(build_error(wrong), AllOf(HasSubstr("tensor "), HasSubstr("shape"))) << whole.path << name;
      // A head of its own may be left out of GGUF files, and biases are read where there are some.
      if (name.ends_with("bias") || name == "output.weight" || name == "rope_freqs.weight") continue;
      ModelDescription without = whole;
      remove_tensor(without, name);
      EXPECT_THAT(build_error(without), AllOf(HasSubstr("tensor "), HasSubstr(" is missing"))) << whole.path;
    }
  }
}

// Each setting is left out and replaced by what it cannot be; a graph may come of it, else one line does.
TEST(Architectures, NonsenseInTheConfigurationIsAnError) {
  BURIN_NEEDS_REFERENCE("arch");
  const json nonsense[] = {nullptr,
                           -1,
                           0,
                           1,
                           3,
                           1e300,
                           18446744073709551615u,
                           true,
                           "x",
                           json::array({1, "x"}),
                           json::object({{"rope_type", "yarn"}, {"factor", 4}})};
  for (const ModelDescription& whole : all_descriptions())
    for (const auto& [key, value] : whole.config.items())
      for (const json& other : nonsense) {
        ModelDescription model = whole;
        model.config[key] = other;
        const std::string error = build_error(model);
        EXPECT_EQ(error.find('\n'), std::string::npos) << error;
        EXPECT_THAT(error, testing::Not(HasSubstr("graph node"))) << whole.path << " " << key << " " << other;
      }
}

TEST(Architectures, UnknownOnesAreToldTheNearest) {
  ModelDescription model;
  model.path = "m";
  model.origin = Origin::hugging_face;
  for (const auto& [name, nearest] : {std::pair{"Qwen2VLForConditionalGeneration", "Qwen2ForCausalLM"},
                                      std::pair{"Gemma3nForConditionalGeneration", "Gemma3ForCausalLM"},
                                      std::pair{"T5", "LlamaForCausalLM"}}) {
    model.architecture = name;
    EXPECT_EQ(build_error(model), fmt::format("m: architecture is '{}': not supported yet: the nearest one "
                                              "that is: {}",
                                              name, nearest));
  }
}

TEST(AlibiSlopes, ArePowersOfTwo) {
  EXPECT_THAT(alibi_slopes(4), testing::ElementsAre(1 / 4.0, 1 / 16.0, 1 / 64.0, 1 / 256.0));
  // Every other one of eight fills up.
  EXPECT_THAT(alibi_slopes(6),
              testing::ElementsAre(1 / 4.0, 1 / 16.0, 1 / 64.0, 1 / 256.0, 1 / 2.0, 1 / 8.0));
  EXPECT_THAT(alibi_slopes(2, 4), testing::ElementsAre(1 / 4.0, 1 / 16.0));
}

// --- what the tiny reference models do not show

ModelDescription reference(const std::string& name) {
  return runtime::ModelFile::open(tests::reference_path("arch/" + name))->description();
}

std::vector<std::int64_t> windows_of(const ModelDescription& model) {
  std::vector<std::int64_t> windows;
  const Graph graph = build_decoder(model).graph;
  for (const Node& node : graph.nodes)
    if (node.op == Op::attention) windows.push_back(node.attention.window);
  return windows;
}

TEST(Architectures, WindowsByLayer) {
  BURIN_NEEDS_REFERENCE("arch");
  ModelDescription model = reference("qwen2");
  model.config.erase("layer_types");
  model.config.update({{"sliding_window", 16}, {"max_window_layers", 1}});
  EXPECT_THAT(windows_of(model), testing::ElementsAre(0, 0, 0)) << "use_sliding_window is false";
  model.config["use_sliding_window"] = true;
  EXPECT_THAT(windows_of(model), testing::ElementsAre(0, 16, 16));
  model = reference("mistral");
  model.config["sliding_window"] = 24;
  EXPECT_THAT(windows_of(model), testing::ElementsAre(24, 24, 24));
  model = reference("gemma2");
  model.config.erase("layer_types");  // as published
  EXPECT_THAT(windows_of(model), testing::ElementsAre(32, 0, 32));
}

// Early GGUF files of Gemma 2 say nothing of windows and caps.
TEST(Architectures, Gemma2OfEarlyGguf) {
  BURIN_NEEDS_REFERENCE("arch/gemma2/gemma2.gguf");
  ModelDescription model = reference("gemma2/gemma2.gguf");
  for (const char* key : {"attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"})
    model.config.erase(std::string("gemma2.") + key);
  EXPECT_THAT(windows_of(model), testing::ElementsAre(4096, 0, 4096));
  const Graph graph = build_decoder(model).graph;
  EXPECT_EQ(graph.producer(graph.logits)->op, Op::soft_cap);
  EXPECT_EQ(graph.producer(graph.logits)->constant, 30);
}

// As the large DeepSeek-V2 has them.
TEST(Architectures, LatentQueriesAndGroupsOfExperts) {
  BURIN_NEEDS_REFERENCE("arch/deepseek-v2");
  ModelDescription model = reference("deepseek-v2");
  model.config.update(
      {{"q_lora_rank", 24}, {"topk_method", "group_limited_greedy"}, {"n_group", 2}, {"topk_group", 1}});
  for (int layer = 0; layer < 3; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.self_attn.", layer);
    remove_tensor(model, prefix + "q_proj.weight");
    set_tensor(model, prefix + "q_a_proj.weight", kernels::StoredType::f32, {24, 128});
    set_tensor(model, prefix + "q_a_layernorm.weight", kernels::StoredType::f32, {24});
    set_tensor(model, prefix + "q_b_proj.weight", kernels::StoredType::f32, {4 * 48, 24});
  }
  const std::string text = to_text(build_decoder(model).graph);
  EXPECT_THAT(text, HasSubstr("q_b_proj.weight outputs=128 view={run=32 stride=48}"));
  EXPECT_THAT(text, HasSubstr("q_b_proj.weight outputs=64 view={first=32 run=16 stride=48}"));
  EXPECT_THAT(text, HasSubstr("used=2 groups=2"));
}

TEST(Architectures, Gemma3SpelledAsPublished) {
  BURIN_NEEDS_REFERENCE("arch");
  const ModelDescription newer = reference("gemma3");
  ModelDescription older = newer;
  for (const char* key : {"layer_types", "rope_parameters", "_sliding_window_pattern"})
    older.config.erase(key);
  older.config.update(
      {{"rope_theta", 1000000}, {"rope_local_base_freq", 10000}, {"sliding_window_pattern", 6}});
  EXPECT_EQ(to_text(build_decoder(older).graph), to_text(build_decoder(newer).graph));
}

// As GPT-2, BLOOM and OPT were published.
TEST(Architectures, TheFirstPartOfNamesMayBeLeftOut) {
  BURIN_NEEDS_REFERENCE("arch");
  for (const char* name : {"gpt2", "bloom", "opt"}) {
    const ModelDescription whole = reference(name);
    ModelDescription shorter = whole;
    for (TensorDescription& tensor : shorter.tensors) tensor.name.erase(0, tensor.name.find('.') + 1);
    shorter.index_tensors();
    EXPECT_EQ(build_decoder(shorter).graph.nodes.size(), build_decoder(whole).graph.nodes.size());
  }
}

TEST(Architectures, Phi3LongropeOfGguf) {
  BURIN_NEEDS_REFERENCE("arch/phi3/phi3.gguf");
  ModelDescription model = reference("phi3/phi3.gguf");
  for (const char* tensor : {"rope_factors_short.weight", "rope_factors_long.weight"})
    set_tensor(model, tensor, kernels::StoredType::f32, {16});
  model.config.update(
      {{"phi3.rope.scaling.original_context_length", 64}, {"phi3.rope.scaling.attn_factor", 1.25}});
  const Graph graph = build_decoder(model).graph;
  const auto rope =
      std::find_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) { return n.op == Op::rope; });
  EXPECT_EQ(rope->rope.factors, "rope_factors_short.weight");
  EXPECT_EQ(rope->rope.longer.factors, "rope_factors_long.weight");
  EXPECT_EQ(rope->rope.longer.context, 64);
  EXPECT_EQ(rope->rope.magnitude, 1.25);
}

TEST(Architectures, Olmo3IsNoOlmo2) {
  ModelDescription model;
  model.path = "m";
  model.architecture = "olmo2";
  model.config["olmo2.attention.sliding_window"] = 16;
  EXPECT_EQ(build_error(model), "m: olmo2.attention.sliding_window is 16: OLMo 3 is not supported yet");
}

TEST(Architectures, SettingsWithoutSupportAreNamed) {
  BURIN_NEEDS_REFERENCE("arch");
  const std::tuple<const char*, json, const char*> cases[] = {
      {"gpt2", {{"scale_attn_by_inverse_layer_idx", true}}, "scale_attn_by_inverse_layer_idx is true"},
      {"starcoder", {{"multi_query", false}}, "multi_query is false"},
      {"phi2", {{"qk_layernorm", true}}, "qk_layernorm is true"},
      {"bloom", {{"apply_residual_connection_post_layernorm", true}}, "post_layernorm is true"},
      {"mpt", {{"attn_config", {{"alibi", false}}}, {"learned_pos_emb", false}}, "learned_pos_emb is false"},
      {"mpt", {{"attn_config", {{"alibi", false}, {"rope", true}}}}, "attn_config.rope is true"},
      {"mpt", {{"attn_config", {{"alibi", true}, {"qk_ln", true}}}}, "attn_config.qk_ln is true"},
      {"mpt",
       {{"attn_config", {{"alibi", true}, {"attn_type", "multiquery_attention"}}}},
       "attn_config.attn_type"},
      {"opt", {{"enable_bias", false}}, "enable_bias is false"},
      {"chatglm2", {{"rmsnorm", false}}, "rmsnorm is false"},
      {"qwen3moe", {{"decoder_sparse_step", 2}}, "decoder_sparse_step is 2"},
      {"qwen3moe", {{"mlp_only_layers", {1}}}, "mlp_only_layers is [1]"},
      {"deepseek-v2", {{"scoring_func", "sigmoid"}}, "scoring_func is \"sigmoid\""},
      {"deepseek-v2", {{"topk_method", "noaux_tc"}}, "topk_method is \"noaux_tc\""},
      {"gemma2", {{"layer_types", {"a", "b", "c"}}}, "layer_types is [\"a\",\"b\",\"c\"]"},
  };
  for (const auto& [name, changes, words] : cases) {
    ModelDescription model = reference(name);
    model.config.update(changes);
    EXPECT_THAT(build_error(model), AllOf(HasSubstr(words), HasSubstr(model.path))) << name;
  }
}

}  // namespace
}  // namespace burin::graph
