#include "graph/arch/llama.hpp"

#include <cmath>

#include "graph/config_reader.hpp"
#include "graph/rope_frequencies.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

constexpr std::int64_t kMostWidth = 1 << 20;
constexpr std::int64_t kMostVocabulary = 1 << 24;
constexpr std::int64_t kMostContext = 1 << 30;

struct Shape {
  std::int64_t hidden = 0;
  std::int64_t feed_forward = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t vocabulary = 0;
  std::int64_t context = 0;
  float epsilon = 0;
  RopeAttributes rope;
};

// Tensor names; {} is the layer.
struct Names {
  std::string embedding, output_norm, output, layer;
  std::string attention_norm, q, k, v, attention_output, feed_forward_norm, gate, up, down;
};

const Names kGgufNames = {"token_embd", "output_norm", "output",  "blk.{}.",     "attn_norm",
                          "attn_q",     "attn_k",      "attn_v",  "attn_output", "ffn_norm",
                          "ffn_gate",   "ffn_up",      "ffn_down"};
const Names kHuggingFaceNames = {"model.embed_tokens",
                                 "model.norm",
                                 "lm_head",
                                 "model.layers.{}.",
                                 "input_layernorm",
                                 "self_attn.q_proj",
                                 "self_attn.k_proj",
                                 "self_attn.v_proj",
                                 "self_attn.o_proj",
                                 "post_attention_layernorm",
                                 "mlp.gate_proj",
                                 "mlp.up_proj",
                                 "mlp.down_proj"};

std::int64_t vocabulary_of(const ModelDescription& model, const std::string& table) {
  const std::ptrdiff_t index = model.find(table);
  if (index < 0)
    fail("{}: tensor {} is missing: the file is incomplete or of another architecture", model.path, table);
  const std::vector<std::int64_t>& shape = model.tensors[static_cast<std::size_t>(index)].shape;
  if (shape.size() != 2 || shape[0] < 1 || shape[0] > kMostVocabulary)
    fail("{}: tensor {} has an impossible shape: expected [vocabulary, hidden]", model.path, table);
  return shape[0];
}

Shape gguf_shape(const ModelDescription& model, const ConfigReader& config) {
  Shape s;
  s.hidden = config.integer("llama.embedding_length", 1, kMostWidth);
  s.feed_forward = config.integer("llama.feed_forward_length", 1, kMostWidth);
  s.layers = config.integer("llama.block_count", 1, 1 << 16);
  s.heads = config.integer("llama.attention.head_count", 1, 1 << 14);
  s.kv_heads = config.integer_or("llama.attention.head_count_kv", s.heads, 1, s.heads);
  s.head_size = config.integer_or("llama.attention.key_length", s.hidden / s.heads, 1, 1 << 12);
  if (config.integer_or("llama.attention.value_length", s.head_size, 1, 1 << 12) != s.head_size)
    config.refuse("llama.attention.value_length", "not supported yet: must equal the key length");
  if (config.integer_or("llama.expert_count", 0, 0, 1 << 16) > 0)
    config.refuse("llama.expert_count", "mixtures of experts are not supported yet: use a dense model");
  s.context = config.integer_or("llama.context_length", 2048, 1, kMostContext);
  s.epsilon = static_cast<float>(config.number("llama.attention.layer_norm_rms_epsilon", 0, 1));
  s.rope.style = RotaryStyle::interleaved;
  s.rope.rotary =
      static_cast<int>(config.integer_or("llama.rope.dimension_count", s.head_size, 2, s.head_size));
  if (s.rope.rotary % 2 != 0) config.refuse("llama.rope.dimension_count", "must be even");
  s.rope.inverse_frequencies = gguf_frequencies(config, "llama", s.rope.rotary);
  if (model.find("rope_freqs.weight") >= 0) {
    require_tensor(model, "rope_freqs.weight", {s.rope.rotary / 2});
    s.rope.factors = "rope_freqs.weight";
  }
  return s;
}

Shape hugging_face_shape(const ConfigReader& config) {
  Shape s;
  s.hidden = config.integer("hidden_size", 1, kMostWidth);
  s.feed_forward = config.integer("intermediate_size", 1, kMostWidth);
  s.layers = config.integer("num_hidden_layers", 1, 1 << 16);
  s.heads = config.integer("num_attention_heads", 1, 1 << 14);
  s.kv_heads = config.integer_or("num_key_value_heads", s.heads, 1, s.heads);
  s.head_size = config.integer_or("head_dim", s.hidden / s.heads, 1, 1 << 12);
  s.context = config.integer_or("max_position_embeddings", 2048, 1, kMostContext);
  s.epsilon = static_cast<float>(config.number_or("rms_norm_eps", 1e-6, 0, 1));
  if (const std::string act = config.text_or("hidden_act", "silu"); act != "silu" && act != "swish")
    config.refuse("hidden_act", "not supported for this architecture: silu is");
  s.rope.style = RotaryStyle::halves;
  s.rope.rotary = static_cast<int>(s.head_size);
  s.rope.inverse_frequencies = hugging_face_frequencies(config, s.rope.rotary);
  return s;
}

class LlamaBuilder {
 public:
  explicit LlamaBuilder(const ModelDescription& model)
      : model_(model), names_(model.origin == Origin::gguf ? kGgufNames : kHuggingFaceNames) {
    const ConfigReader config(model);
    s_ = model.origin == Origin::gguf ? gguf_shape(model, config) : hugging_face_shape(config);
    s_.vocabulary = vocabulary_of(model, names_.embedding + ".weight");
    tied_ = model.origin == Origin::hugging_face && config.boolean_or("tie_word_embeddings", false);
    if (s_.heads % s_.kv_heads != 0)
      fail("{}: {} attention heads and {} KV heads: the first must be a multiple of the second", model.path,
           s_.heads, s_.kv_heads);
    if (s_.head_size < 2 || s_.head_size % 2 != 0)
      fail("{}: head size is {}: must be even and at least 2 for rotary embeddings", model.path,
           s_.head_size);
  }

  Decoder build() {
    const std::string table = names_.embedding + ".weight";
    require_tensor(model_, table, {s_.vocabulary, s_.hidden});
    Node embed;
    embed.op = Op::embed;
    embed.name = names_.embedding;
    embed.table = table;
    ValueId x = graph_.add_node(std::move(embed), s_.hidden);
    for (std::int64_t layer = 0; layer < s_.layers; ++layer) x = add_layer(static_cast<int>(layer), x);
    x = norm(names_.output_norm, x);
    // GGUF says "tied" by leaving the head out, Hugging Face by a flag.
    const bool own_head =
        model_.origin == Origin::hugging_face ? !tied_ : model_.find(names_.output + ".weight") >= 0;
    Node head = linear_node(own_head ? names_.output : names_.embedding, s_.vocabulary, s_.hidden, x);
    head.name = "output";
    head.linear.last_row_only = true;
    graph_.logits = graph_.add_node(std::move(head), s_.vocabulary);
    return {std::move(graph_), s_.vocabulary, s_.context, static_cast<int>(s_.layers)};
  }

 private:
  ValueId norm(const std::string& name, ValueId x) {
    require_tensor(model_, name + ".weight", {s_.hidden});
    Node node;
    node.op = Op::norm;
    node.name = name;
    node.inputs = {x};
    node.norm = {name + ".weight", s_.epsilon};
    return graph_.add_node(std::move(node), s_.hidden);
  }

  Node linear_node(const std::string& name, std::int64_t outputs, std::int64_t inputs, ValueId x) {
    require_tensor(model_, name + ".weight", {outputs, inputs});
    LinearPart part = {name + ".weight", "", outputs};
    if (model_.find(name + ".bias") >= 0) {
      require_tensor(model_, name + ".bias", {outputs});
      part.bias = name + ".bias";
    }
    Node node;
    node.op = Op::linear;
    node.name = name;
    node.inputs = {x};
    node.linear.parts = {std::move(part)};
    return node;
  }

  ValueId linear(const std::string& name, std::int64_t outputs, std::int64_t inputs, ValueId x) {
    return graph_.add_node(linear_node(name, outputs, inputs, x), outputs);
  }

  ValueId rope(const std::string& name, ValueId x, std::int64_t width) {
    Node node;
    node.op = Op::rope;
    node.name = name;
    node.inputs = {x};
    node.rope = s_.rope;
    return graph_.add_node(std::move(node), width);
  }

  ValueId binary(Op op, const std::string& name, ValueId x, ValueId y, std::int64_t width) {
    Node node;
    node.op = op;
    node.name = name;
    node.inputs = {x, y};
    return graph_.add_node(std::move(node), width);
  }

  ValueId add_layer(int layer, ValueId x) {
    const std::string prefix = fmt::format(fmt::runtime(names_.layer), layer);
    const std::int64_t q_width = s_.heads * s_.head_size;
    const std::int64_t kv_width = s_.kv_heads * s_.head_size;

    const ValueId normed = norm(prefix + names_.attention_norm, x);
    const ValueId q = linear(prefix + names_.q, q_width, s_.hidden, normed);
    const ValueId k = linear(prefix + names_.k, kv_width, s_.hidden, normed);
    const ValueId v = linear(prefix + names_.v, kv_width, s_.hidden, normed);
    Node attention;
    attention.op = Op::attention;
    attention.name = prefix + "attention";
    attention.inputs = {rope(prefix + "rope_q", q, q_width), rope(prefix + "rope_k", k, kv_width), v};
    attention.attention = {layer,
                           static_cast<int>(s_.heads),
                           static_cast<int>(s_.kv_heads),
                           static_cast<int>(s_.head_size),
                           static_cast<float>(1.0 / std::sqrt(static_cast<double>(s_.head_size))),
                           {}};
    const ValueId mixed = graph_.add_node(std::move(attention), q_width);
    const ValueId projected = linear(prefix + names_.attention_output, s_.hidden, q_width, mixed);
    x = binary(Op::add, prefix + "attention_residual", x, projected, s_.hidden);

    const ValueId normed2 = norm(prefix + names_.feed_forward_norm, x);
    const ValueId gate = linear(prefix + names_.gate, s_.feed_forward, s_.hidden, normed2);
    const ValueId up = linear(prefix + names_.up, s_.feed_forward, s_.hidden, normed2);
    Node silu;
    silu.op = Op::activation;
    silu.name = prefix + "silu";
    silu.inputs = {gate};
    silu.activation = ActivationFunction::silu;
    const ValueId active = graph_.add_node(std::move(silu), s_.feed_forward);
    const ValueId product = binary(Op::multiply, prefix + "gate_product", active, up, s_.feed_forward);
    const ValueId down = linear(prefix + names_.down, s_.hidden, s_.feed_forward, product);
    return binary(Op::add, prefix + "ffn_residual", x, down, s_.hidden);
  }

  const ModelDescription& model_;
  const Names& names_;
  Shape s_;
  bool tied_ = false;
  Graph graph_;
};

}  // namespace

Decoder build_llama(const ModelDescription& model) { return LlamaBuilder(model).build(); }

}  // namespace burin::graph
