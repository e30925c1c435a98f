// Falcon (Almazrouei et al. 2023). 7B: one KV head, attention and feed-forward behind one layer norm. 40B:
// grouped queries, a norm for each. RW: ALiBi, which is scaled with the scores, and one after the other.
// Hugging Face packs Q, K and V by KV head, GGUF one by one.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"token_embd", "transformer.word_embeddings"},
    {"output_norm", "transformer.ln_f"},
    {"layer", "transformer.h.{}."},
    {"attn_norm_2", "ln_attn"},
    {"attn_qkv", "self_attention.query_key_value"},
    {"attn_output", "self_attention.dense"},
    {"ffn_up", "mlp.dense_h_to_4h"},
    {"ffn_down", "mlp.dense_4h_to_h"},
};

DecoderShape read_falcon_shape(const ModelDescription& model) {
  const ConfigReader config(model);
  HuggingFaceKeys keys = {.kv_heads = "",
                          .head_size = "",
                          .feed_forward = "ffn_hidden_size",
                          .feed_forward_factor = 4,
                          .epsilon = "layer_norm_epsilon",
                          .default_epsilon = 1e-5};
  if (config.has("n_layer")) keys.layers = "n_layer";  // as first published
  if (config.has("n_head")) keys.heads = "n_head";
  if (config.boolean_or("new_decoder_architecture", false))
    keys.kv_heads = config.has("n_head_kv") ? "n_head_kv" : "num_kv_heads";
  DecoderShape shape = read_shape(model, NormKind::layer, keys);
  if (model.origin == Origin::hugging_face && keys.kv_heads.empty() && config.boolean_or("multi_query", true))
    shape.kv_heads = 1;
  return shape;
}

}  // namespace

Decoder build_falcon(const ModelDescription& model) {
  const ConfigReader config(model);
  const DecoderShape shape = read_falcon_shape(model);
  const bool alibi = config.boolean_or("alibi", false);
  const bool parallel =
      config.boolean_or("parallel_attn", true) || config.boolean_or("new_decoder_architecture", false);
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "activation", "gelu");
  DecoderBuilder b(model, shape, kNames);
  const QkvPacking packing = b.gguf() ? QkvPacking::one_by_one : QkvPacking::by_kv_head;
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const bool two_norms = b.has("attn_norm_2");
    const ValueId normed = b.norm(two_norms && !b.gguf() ? "ln_mlp" : "attn_norm", x);
    const Qkv qkv = b.packed_qkv(two_norms ? b.norm("attn_norm_2", x) : normed, packing);
    AttentionAttributes attention = b.attention_attributes();
    if (alibi) attention.slopes = alibi_slopes(shape.heads);
    for (double& slope : attention.slopes) slope *= static_cast<double>(attention.scale);
    x = b.add("attention_residual", x, b.attention(alibi ? qkv : b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, b.feed_forward(parallel ? normed : b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
