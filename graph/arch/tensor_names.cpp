#include "graph/arch/tensor_names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace burin::graph {
namespace {

constexpr TensorName kLlamaNames[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"layer", "model.layers.{}."},
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
};

}  // namespace

TensorNames::TensorNames(const ModelDescription& model, std::span<const TensorName> own)
    : origin_(model.origin), own_(own) {
  const std::string embedding = global("token_embd") + ".weight";
  const std::string prefix = embedding.substr(0, embedding.find('.') + 1);
  if (origin_ == Origin::hugging_face && model.find(embedding) < 0 &&
      model.find(embedding.substr(prefix.size())) >= 0)
    left_out_ = prefix;
}

std::string TensorNames::global(std::string_view name) const {
  const std::string_view text = spelled(name);
  return std::string(text.starts_with(left_out_) ? text.substr(left_out_.size()) : text);
}

std::string_view TensorNames::spelled(std::string_view name) const {
  if (origin_ == Origin::gguf) return name == "layer" ? "blk.{}." : name;
  for (const std::span<const TensorName> names : {own_, std::span<const TensorName>(kLlamaNames)})
    for (const TensorName& row : names)
      if (row.gguf == name) return row.hugging_face;
  return name;  // of a node that has no tensor
}

std::string TensorNames::in_layer(std::int64_t layer, std::string_view name) const {
  return fmt::format(fmt::runtime(global("layer")), layer) + std::string(spelled(name));
}

}  // namespace burin::graph
