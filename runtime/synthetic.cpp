#include "runtime/synthetic.hpp"

#include <charconv>
#include <string_view>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

// A mixture of experts in place of the feed-forward: how the architecture spells it.
struct ExpertNames {
  std::string_view architecture, router, gate, up, down;
  bool head_norms = false;  // of Q and K
};
constexpr ExpertNames kMixtral = {"MixtralForCausalLM", "block_sparse_moe.gate",
                                  "block_sparse_moe.experts.{}.w1", "block_sparse_moe.experts.{}.w3",
                                  "block_sparse_moe.experts.{}.w2"};
constexpr ExpertNames kQwen3Moe = {"Qwen3MoeForCausalLM",      "mlp.gate",
                                   "mlp.experts.{}.gate_proj", "mlp.experts.{}.up_proj",
                                   "mlp.experts.{}.down_proj", true};

struct ShapeRow {
  std::string_view name;
  std::int64_t hidden, feed_forward, layers, heads, kv_heads, vocabulary, context;
  double rope_base;
  std::int64_t experts = 0, used = 0;  // whose width is feed_forward
  std::int64_t head = 0;               // 0: hidden / heads
  const ExpertNames* expert_names = nullptr;

  std::int64_t head_size() const { return head > 0 ? head : hidden / heads; }
};

// From the models' published configurations.
constexpr ShapeRow kShapes[] = {
    {"llama-1b", 2048, 8192, 16, 32, 8, 128256, 131072, 500000},
    {"llama-7b", 4096, 11008, 32, 32, 32, 32000, 4096, 10000},
    {"llama-13b", 5120, 13824, 40, 40, 40, 32000, 4096, 10000},
    {"llama-3-8b", 4096, 14336, 32, 32, 8, 128256, 8192, 500000},
    {"llama-70b", 8192, 28672, 80, 64, 8, 32000, 4096, 10000},
    {"tinyllama-1.1b", 2048, 5632, 22, 32, 4, 32000, 2048, 10000},
    {"mixtral-8x7b", 4096, 14336, 32, 32, 8, 32000, 32768, 1e6, 8, 2, 0, &kMixtral},
    {"qwen3-30b-a3b", 2048, 768, 48, 32, 4, 151936, 40960, 1e6, 128, 8, 128, &kQwen3Moe},
};

const ShapeRow& find_shape(std::string_view name) {
  std::string known;
  for (const ShapeRow& row : kShapes) {
    if (row.name == name) return row;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  fail("synthetic shape '{}': unknown: use one of {}", name, known);
}

void add_tensor(graph::ModelDescription& model, std::string name, kernels::StoredType type,
                std::vector<std::int64_t> shape) {
  graph::TensorDescription tensor;
  tensor.name = std::move(name);
  tensor.type = type;
  const kernels::StoredLayout& layout = kernels::layout_of(type);
  tensor.type_name = std::string(layout.name);
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) count *= dimension;
  tensor.bytes = static_cast<std::uint64_t>(count / layout.elements * layout.bytes);
  tensor.shape = std::move(shape);
  model.tensors.push_back(std::move(tensor));
}

void add_layer(graph::ModelDescription& model, const ShapeRow& s, std::int64_t layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const std::int64_t query_width = s.head_size() * s.heads;
  const std::int64_t kv_width = s.head_size() * s.kv_heads;
  const auto matrix = [&](std::string_view name, std::int64_t outputs, std::int64_t inputs) {
    add_tensor(model, fmt::format("{}{}.weight", prefix, name), kernels::StoredType::f16, {outputs, inputs});
  };
  const auto norm = [&](std::string_view name, std::int64_t width) {
    add_tensor(model, fmt::format("{}{}.weight", prefix, name), kernels::StoredType::f32, {width});
  };
  matrix("self_attn.q_proj", query_width, s.hidden);
  matrix("self_attn.k_proj", kv_width, s.hidden);
  matrix("self_attn.v_proj", kv_width, s.hidden);
  matrix("self_attn.o_proj", s.hidden, query_width);
  norm("input_layernorm", s.hidden);
  norm("post_attention_layernorm", s.hidden);
  if (s.expert_names == nullptr) {
    matrix("mlp.gate_proj", s.feed_forward, s.hidden);
    matrix("mlp.up_proj", s.feed_forward, s.hidden);
    matrix("mlp.down_proj", s.hidden, s.feed_forward);
    return;
  }
  matrix(s.expert_names->router, s.experts, s.hidden);
  for (std::int64_t expert = 0; expert < s.experts; ++expert) {
    matrix(fmt::format(fmt::runtime(s.expert_names->gate), expert), s.feed_forward, s.hidden);
    matrix(fmt::format(fmt::runtime(s.expert_names->up), expert), s.feed_forward, s.hidden);
    matrix(fmt::format(fmt::runtime(s.expert_names->down), expert), s.hidden, s.feed_forward);
  }
  if (!s.expert_names->head_norms) return;
  norm("self_attn.q_norm", s.head_size());
  norm("self_attn.k_norm", s.head_size());
}

// Mixtures spell the experts' number and width in one of two ways each.
void add_expert_settings(graph::ModelDescription& model, const ShapeRow& s) {
  if (s.expert_names == nullptr) return;
  model.architecture = s.expert_names->architecture;
  model.config["head_dim"] = s.head_size();
  model.config["num_local_experts"] = s.experts;
  model.config["num_experts_per_tok"] = s.used;
  model.config["moe_intermediate_size"] = s.feed_forward;
  model.config["norm_topk_prob"] = true;
}

}  // namespace

graph::ModelDescription synthetic_description(const std::string& shape) {
  const std::size_t colon = shape.find(':');
  const ShapeRow& s = find_shape(std::string_view(shape).substr(0, colon));
  std::int64_t layers = s.layers;
  if (colon != std::string::npos) {
    const char* end = shape.data() + shape.size();
    const auto [stop, error] = std::from_chars(shape.data() + colon + 1, end, layers);
    if (error != std::errc() || stop != end || layers < 1 || layers > 1000)
      fail("synthetic shape '{}': layers must be a number from 1 to 1000", shape);
  }
  graph::ModelDescription model;
  model.path = "synthetic " + shape;
  model.origin = graph::Origin::hugging_face;
  model.architecture = "LlamaForCausalLM";
  model.config = {{"hidden_size", s.hidden},
                  {"intermediate_size", s.feed_forward},
                  {"num_hidden_layers", layers},
                  {"num_attention_heads", s.heads},
                  {"num_key_value_heads", s.kv_heads},
                  {"max_position_embeddings", s.context},
                  {"rms_norm_eps", 1e-5},
                  {"rope_theta", s.rope_base}};
  add_expert_settings(model, s);
  add_tensor(model, "model.embed_tokens.weight", kernels::StoredType::q8_0, {s.vocabulary, s.hidden});
  for (std::int64_t layer = 0; layer < layers; ++layer) add_layer(model, s, layer);
  add_tensor(model, "model.norm.weight", kernels::StoredType::f32, {s.hidden});
  add_tensor(model, "lm_head.weight", kernels::StoredType::q8_0, {s.vocabulary, s.hidden});
  model.index_tensors();
  return model;
}

}  // namespace burin::runtime
