#include "tests/graph/made_llama.hpp"

#include <algorithm>
#include <stdexcept>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

using kernels::StoredType;

struct Names {
  const char *table, *norm, *head, *layer, *attention_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down;
};
constexpr Names kGguf = {"token_embd", "output_norm", "output",  "blk",         "attn_norm",
                         "attn_q",     "attn_k",      "attn_v",  "attn_output", "ffn_norm",
                         "ffn_gate",   "ffn_up",      "ffn_down"};
constexpr Names kHuggingFace = {"model.embed_tokens",
                                "model.norm",
                                "lm_head",
                                "model.layers",
                                "input_layernorm",
                                "self_attn.q_proj",
                                "self_attn.k_proj",
                                "self_attn.v_proj",
                                "self_attn.o_proj",
                                "post_attention_layernorm",
                                "mlp.gate_proj",
                                "mlp.up_proj",
                                "mlp.down_proj"};

nlohmann::json config_of(const MadeLlama& made) {
  if (made.origin == Origin::gguf)
    return {{"llama.embedding_length", made.hidden},
            {"llama.feed_forward_length", made.feed_forward},
            {"llama.block_count", made.layers},
            {"llama.attention.head_count", made.heads},
            {"llama.attention.head_count_kv", made.kv_heads},
            {"llama.context_length", made.context},
            {"llama.attention.layer_norm_rms_epsilon", 1e-5}};
  return {{"hidden_size", made.hidden},
          {"intermediate_size", made.feed_forward},
          {"num_hidden_layers", made.layers},
          {"num_attention_heads", made.heads},
          {"num_key_value_heads", made.kv_heads},
          {"max_position_embeddings", made.context},
          {"rms_norm_eps", 1e-5},
          {"tie_word_embeddings", !made.own_head}};
}

TensorDescription& tensor_at(ModelDescription& model, std::string_view name) {
  const std::ptrdiff_t index = model.find(name);
  if (index < 0) throw std::logic_error("no tensor " + std::string(name));
  return model.tensors[static_cast<std::size_t>(index)];
}

}  // namespace

void set_tensor(ModelDescription& model, std::string_view name, StoredType type,
                std::vector<std::int64_t> shape) {
  if (model.find(name) < 0) {
    model.tensors.emplace_back().name = std::string(name);
    model.index_tensors();
  }
  tensor_at(model, name).shape = std::move(shape);
  set_type(model, name, type);
}

void set_type(ModelDescription& model, std::string_view name, StoredType type) {
  TensorDescription& tensor = tensor_at(model, name);
  const kernels::StoredLayout& layout = kernels::layout_of(type);
  std::int64_t count = 1;
  for (const std::int64_t dimension : tensor.shape) count *= dimension;
  tensor.type = type;
  tensor.type_name = std::string(layout.name);
  tensor.bytes = static_cast<std::uint64_t>(count / layout.elements * layout.bytes);
}

void remove_tensor(ModelDescription& model, std::string_view name) {
  std::erase_if(model.tensors, [&](const TensorDescription& tensor) { return tensor.name == name; });
  model.index_tensors();
}

ModelDescription describe(const MadeLlama& made) {
  const bool gguf = made.origin == Origin::gguf;
  const Names& names = gguf ? kGguf : kHuggingFace;
  ModelDescription model;
  model.path = gguf ? "made.gguf" : "made-folder";
  model.origin = made.origin;
  model.architecture = gguf ? "llama" : "LlamaForCausalLM";
  model.config = config_of(made);
  const auto matrix = [&](const std::string& name, std::int64_t outputs, std::int64_t inputs) {
    set_tensor(model, name + ".weight", made.type, {outputs, inputs});
  };
  const auto norm = [&](const std::string& name) {
    set_tensor(model, name + ".weight", StoredType::f32, {made.hidden});
  };
  const std::int64_t q_width = made.heads * made.head_size();
  const std::int64_t kv_width = made.kv_heads * made.head_size();
  matrix(names.table, made.vocabulary, made.hidden);
  for (std::int64_t layer = 0; layer < made.layers; ++layer) {
    const std::string prefix = fmt::format("{}.{}.", names.layer, layer);
    norm(prefix + names.attention_norm);
    matrix(prefix + names.q, q_width, made.hidden);
    matrix(prefix + names.k, kv_width, made.hidden);
    matrix(prefix + names.v, kv_width, made.hidden);
    matrix(prefix + names.o, made.hidden, q_width);
    norm(prefix + names.ffn_norm);
    matrix(prefix + names.gate, made.feed_forward, made.hidden);
    matrix(prefix + names.up, made.feed_forward, made.hidden);
    matrix(prefix + names.down, made.hidden, made.feed_forward);
  }
  norm(names.norm);
  if (made.own_head) matrix(names.head, made.vocabulary, made.hidden);
  return model;
}

}  // namespace burin::graph
