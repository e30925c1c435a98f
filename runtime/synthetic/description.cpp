#include "runtime/synthetic/description.hpp"

#include <fmt/ranges.h>

#include "jit/error.hpp"
#include "runtime/synthetic/published.hpp"
#include "runtime/synthetic/shapes.hpp"

namespace burin::runtime {
namespace {

using kernels::StoredType;

// Collects the tensors of a model.
class DescriptionBuilder {
 public:
  DescriptionBuilder(const ModelShape& shape, StoredType matrices) : shape_(shape), matrices_(matrices) {}

  graph::ModelDescription gguf() {
    model_.origin = graph::Origin::gguf;
    model_.architecture = family().architecture;
    gguf_settings();
    tensor("token_embd.weight", StoredType::q8_0, {shape_.vocabulary, shape_.hidden});
    if (family().embedding_norm) norm("token_embd_norm", shape_.hidden);
    for (std::int64_t layer = 0; layer < shape_.layers; ++layer) gguf_layer(fmt::format("blk.{}.", layer));
    norm("output_norm", shape_.hidden);
    if (family().own_head) tensor("output.weight", StoredType::q8_0, {shape_.vocabulary, shape_.hidden});
    model_.index_tensors();
    return std::move(model_);
  }

 private:
  const DecoderFamily& family() const { return *shape_.family; }

  void tensor(std::string name, StoredType type, std::vector<std::int64_t> shape) {
    model_.tensors.push_back(synthetic_tensor(shape_.name, std::move(name), type, std::move(shape)));
  }

  void matrix(const std::string& name, std::int64_t outputs, std::int64_t inputs) {
    tensor(name + ".weight", matrices_, {outputs, inputs});
    if (family().biases) tensor(name + ".bias", StoredType::f32, {outputs});
  }
  void norm(const std::string& name, std::int64_t width) {
    tensor(name + ".weight", StoredType::f32, {width});
    if (family().norm_biases) tensor(name + ".bias", StoredType::f32, {width});
  }

  void gguf_settings() {
    nlohmann::json& config = model_.config;
    config["general.architecture"] = family().architecture;
    const auto set = [&](std::string_view key, const nlohmann::json& value) {
      config[fmt::format("{}.{}", family().architecture, key)] = value;
    };
    set("context_length", shape_.context);
    set("embedding_length", shape_.hidden);
    set("block_count", shape_.layers);
    set("feed_forward_length", shape_.feed_forward);
    set("vocab_size", shape_.vocabulary);
    set("attention.head_count", shape_.heads);
    set("attention.head_count_kv", shape_.kv_heads);
    set(family().layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 1e-5);
    if (shape_.head > 0) {
      set("attention.key_length", shape_.head);
      set("attention.value_length", shape_.head);
    }
    if (shape_.experts > 0) {
      set("expert_count", shape_.experts);
      set("expert_used_count", shape_.used);
      set("expert_feed_forward_length", shape_.feed_forward);
    }
    if (family().architecture == "mpt")
      set("attention.max_alibi_bias", 8.0);
    else if (family().architecture != "bloom")
      set("rope.freq_base", shape_.rope_base);
    if (family().architecture == "llama" || shape_.rotated > 0)
      set("rope.dimension_count", shape_.rotated > 0 ? shape_.rotated : shape_.head_size());
    if (family().architecture == "gptneox") set("use_parallel_residual", true);
  }

  void gguf_layer(const std::string& prefix) {
    norm(prefix + "attn_norm", shape_.hidden);
    if (family().packed_qkv) {
      matrix(prefix + "attn_qkv", shape_.query_width() + 2 * shape_.kv_width(), shape_.hidden);
    } else {
      matrix(prefix + "attn_q", shape_.query_width(), shape_.hidden);
      matrix(prefix + "attn_k", shape_.kv_width(), shape_.hidden);
      matrix(prefix + "attn_v", shape_.kv_width(), shape_.hidden);
    }
    if (family().head_norms) {
      norm(prefix + "attn_q_norm", shape_.head_size());
      norm(prefix + "attn_k_norm", shape_.head_size());
    }
    matrix(prefix + "attn_output", shape_.hidden, shape_.query_width());
    if (family().second_norm) norm(prefix + "ffn_norm", shape_.hidden);
    if (shape_.experts > 0)
      experts(prefix);
    else
      feed_forward(prefix);
  }

  void feed_forward(const std::string& prefix) {
    if (family().gated) matrix(prefix + "ffn_gate", shape_.feed_forward, shape_.hidden);
    matrix(prefix + "ffn_up", shape_.feed_forward, shape_.hidden);
    matrix(prefix + "ffn_down", shape_.hidden, shape_.feed_forward);
  }

  void experts(const std::string& prefix) {
    tensor(prefix + "ffn_gate_inp.weight", StoredType::f32, {shape_.experts, shape_.hidden});
    tensor(prefix + "ffn_gate_exps.weight", matrices_, {shape_.experts, shape_.feed_forward, shape_.hidden});
    tensor(prefix + "ffn_up_exps.weight", matrices_, {shape_.experts, shape_.feed_forward, shape_.hidden});
    tensor(prefix + "ffn_down_exps.weight", matrices_, {shape_.experts, shape_.hidden, shape_.feed_forward});
  }

  const ModelShape& shape_;
  StoredType matrices_;
  graph::ModelDescription model_;
};

}  // namespace

std::vector<std::string_view> synthetic_names() {
  std::vector<std::string_view> names = shape_names();
  for (const std::string_view name : published_names()) names.push_back(name);
  return names;
}

graph::TensorDescription synthetic_tensor(std::string_view shape_name, std::string name, StoredType type,
                                          std::vector<std::int64_t> shape) {
  const kernels::StoredLayout& layout = kernels::layout_of(type);
  if (shape.back() % layout.elements != 0)
    fail("synthetic shape {}: {} of {} columns: {} has blocks of {}: use another type", shape_name, name,
         shape.back(), layout.name, layout.elements);
  graph::TensorDescription tensor;
  tensor.name = std::move(name);
  tensor.type = type;
  tensor.type_name = std::string(layout.name);
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  tensor.bytes = static_cast<std::uint64_t>(count / layout.elements * layout.bytes);
  tensor.shape = std::move(shape);
  return tensor;
}

graph::ModelDescription synthetic_description(const std::string& text, StoredType matrices) {
  const ShapeName name = parse_shape_name(text);
  std::optional<graph::ModelDescription> model;
  if (const std::optional<ModelShape> shape = find_shape(name))
    model = DescriptionBuilder(*shape, matrices).gguf();
  else
    model = published_description(name, matrices);
  if (!model)
    fail("synthetic shape '{}': unknown: use one of {}", name.name, fmt::join(synthetic_names(), ", "));
  model->path = "synthetic " + text;
  return std::move(*model);
}

}  // namespace burin::runtime
