#include "runtime/synthetic/description.hpp"

#include <fmt/format.h>

#include "jit/error.hpp"
#include "runtime/synthetic/shapes.hpp"

namespace burin::runtime {
namespace {

using kernels::StoredType;

// Collects the tensors of a model.
class DescriptionBuilder {
 public:
  DescriptionBuilder(const ModelShape& shape, StoredType matrices) : s(shape), matrices_(matrices) {}

  graph::ModelDescription gguf() {
    model_.origin = graph::Origin::gguf;
    model_.architecture = family().architecture;
    gguf_settings();
    tensor("token_embd.weight", StoredType::q8_0, {s.vocabulary, s.hidden});
    if (family().embedding_norm) norm("token_embd_norm", s.hidden);
    for (std::int64_t layer = 0; layer < s.layers; ++layer) gguf_layer(fmt::format("blk.{}.", layer));
    norm("output_norm", s.hidden);
    if (family().own_head) tensor("output.weight", StoredType::q8_0, {s.vocabulary, s.hidden});
    return finish();
  }

  graph::ModelDescription gptj() {
    model_.origin = graph::Origin::hugging_face;
    model_.architecture = "GPTJForCausalLM";
    model_.config = {
        {"n_embd", s.hidden},         {"n_inner", s.feed_forward},         {"n_layer", s.layers},
        {"n_head", s.heads},          {"n_positions", s.context},          {"rotary_dim", s.rotated},
        {"layer_norm_epsilon", 1e-5}, {"activation_function", "gelu_new"}, {"tie_word_embeddings", false}};
    tensor("transformer.wte.weight", StoredType::q8_0, {s.vocabulary, s.hidden});
    for (std::int64_t layer = 0; layer < s.layers; ++layer)
      gptj_layer(fmt::format("transformer.h.{}.", layer));
    vectors("transformer.ln_f", s.hidden);
    tensor("lm_head.weight", StoredType::q8_0, {s.vocabulary, s.hidden});
    tensor("lm_head.bias", StoredType::f32, {s.vocabulary});
    return finish();
  }

 private:
  const DecoderFamily& family() const { return *s.family; }

  graph::ModelDescription finish() {
    model_.index_tensors();
    return std::move(model_);
  }

  void tensor(std::string name, StoredType type, std::vector<std::int64_t> shape) {
    const kernels::StoredLayout& layout = kernels::layout_of(type);
    if (shape.back() % layout.elements != 0)
      fail("synthetic shape {}: {} of {} columns: {} has blocks of {}: use another type", s.name, name,
           shape.back(), layout.name, layout.elements);
    graph::TensorDescription tensor;
    tensor.name = std::move(name);
    tensor.type = type;
    tensor.type_name = std::string(layout.name);
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    tensor.bytes = static_cast<std::uint64_t>(count / layout.elements * layout.bytes);
    tensor.shape = std::move(shape);
    model_.tensors.push_back(std::move(tensor));
  }

  void matrix(const std::string& name, std::int64_t outputs, std::int64_t inputs) {
    tensor(name + ".weight", matrices_, {outputs, inputs});
    if (family().biases) tensor(name + ".bias", StoredType::f32, {outputs});
  }
  void norm(const std::string& name, std::int64_t width) {
    tensor(name + ".weight", StoredType::f32, {width});
    if (family().norm_biases) tensor(name + ".bias", StoredType::f32, {width});
  }
  // Weight and bias of a layer norm.
  void vectors(const std::string& name, std::int64_t width) {
    tensor(name + ".weight", StoredType::f32, {width});
    tensor(name + ".bias", StoredType::f32, {width});
  }

  void gguf_settings() {
    nlohmann::json& config = model_.config;
    config["general.architecture"] = family().architecture;
    const auto set = [&](std::string_view key, const nlohmann::json& value) {
      config[fmt::format("{}.{}", family().architecture, key)] = value;
    };
    set("context_length", s.context);
    set("embedding_length", s.hidden);
    set("block_count", s.layers);
    set("feed_forward_length", s.feed_forward);
    set("vocab_size", s.vocabulary);
    set("attention.head_count", s.heads);
    set("attention.head_count_kv", s.kv_heads);
    set(family().layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 1e-5);
    if (s.head > 0) {
      set("attention.key_length", s.head);
      set("attention.value_length", s.head);
    }
    if (s.experts > 0) {
      set("expert_count", s.experts);
      set("expert_used_count", s.used);
      set("expert_feed_forward_length", s.feed_forward);
    }
    if (family().architecture == "mpt")
      set("attention.max_alibi_bias", 8.0);
    else if (family().architecture != "bloom")
      set("rope.freq_base", s.rope_base);
    if (family().architecture == "llama" || s.rotated > 0)
      set("rope.dimension_count", s.rotated > 0 ? s.rotated : s.head_size());
    if (family().architecture == "gptneox") set("use_parallel_residual", true);
  }

  void gguf_layer(const std::string& prefix) {
    norm(prefix + "attn_norm", s.hidden);
    if (family().packed_qkv) {
      matrix(prefix + "attn_qkv", s.query_width() + 2 * s.kv_width(), s.hidden);
    } else {
      matrix(prefix + "attn_q", s.query_width(), s.hidden);
      matrix(prefix + "attn_k", s.kv_width(), s.hidden);
      matrix(prefix + "attn_v", s.kv_width(), s.hidden);
    }
    if (family().head_norms) {
      norm(prefix + "attn_q_norm", s.head_size());
      norm(prefix + "attn_k_norm", s.head_size());
    }
    matrix(prefix + "attn_output", s.hidden, s.query_width());
    if (family().second_norm) norm(prefix + "ffn_norm", s.hidden);
    if (s.experts > 0)
      experts(prefix);
    else
      feed_forward(prefix);
  }

  void feed_forward(const std::string& prefix) {
    if (family().gated) matrix(prefix + "ffn_gate", s.feed_forward, s.hidden);
    matrix(prefix + "ffn_up", s.feed_forward, s.hidden);
    matrix(prefix + "ffn_down", s.hidden, s.feed_forward);
  }

  void experts(const std::string& prefix) {
    tensor(prefix + "ffn_gate_inp.weight", StoredType::f32, {s.experts, s.hidden});
    tensor(prefix + "ffn_gate_exps.weight", matrices_, {s.experts, s.feed_forward, s.hidden});
    tensor(prefix + "ffn_up_exps.weight", matrices_, {s.experts, s.feed_forward, s.hidden});
    tensor(prefix + "ffn_down_exps.weight", matrices_, {s.experts, s.hidden, s.feed_forward});
  }

  void gptj_layer(const std::string& prefix) {
    vectors(prefix + "ln_1", s.hidden);
    for (const char* name : {"attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj"})
      matrix(prefix + name, s.hidden, s.hidden);
    matrix(prefix + "mlp.fc_in", s.feed_forward, s.hidden);
    tensor(prefix + "mlp.fc_in.bias", StoredType::f32, {s.feed_forward});
    matrix(prefix + "mlp.fc_out", s.hidden, s.feed_forward);
    tensor(prefix + "mlp.fc_out.bias", StoredType::f32, {s.hidden});
  }

  const ModelShape& s;
  StoredType matrices_;
  graph::ModelDescription model_;
};

}  // namespace

graph::ModelDescription synthetic_description(const std::string& text, StoredType matrices) {
  const ModelShape shape = parse_shape(text);
  DescriptionBuilder builder(shape, matrices);
  graph::ModelDescription model = shape.family->architecture.empty() ? builder.gptj() : builder.gguf();
  model.path = "synthetic " + text;
  return model;
}

}  // namespace burin::runtime
