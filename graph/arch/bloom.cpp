// BLOOM (Scao et al. 2022): a norm behind the embedding, ALiBi instead of rotation. Hugging Face packs Q, K
// and V head by head, GGUF one by one.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"token_embd", "transformer.word_embeddings"},
    {"token_embd_norm", "transformer.word_embeddings_layernorm"},
    {"output_norm", "transformer.ln_f"},
    {"layer", "transformer.h.{}."},
    {"attn_qkv", "self_attention.query_key_value"},
    {"attn_output", "self_attention.dense"},
    {"ffn_up", "mlp.dense_h_to_4h"},
    {"ffn_down", "mlp.dense_4h_to_h"},
};

}  // namespace

Decoder build_bloom(const ModelDescription& model) {
  const ConfigReader config(model);
  require_setting(config, "apply_residual_connection_post_layernorm", false);
  const DecoderShape shape = read_shape(model, NormKind::layer,
                                        {.hidden = config.has("n_embed") ? "n_embed" : "hidden_size",
                                         .layers = "n_layer",
                                         .heads = config.has("n_head") ? "n_head" : "num_attention_heads",
                                         .kv_heads = "",
                                         .head_size = "",
                                         .context = "seq_length",
                                         .feed_forward = "",
                                         .feed_forward_factor = 4,
                                         .epsilon = "layer_norm_epsilon",
                                         .default_epsilon = 1e-5});
  DecoderBuilder b(model, shape, kNames);
  const QkvPacking packing = b.gguf() ? QkvPacking::one_by_one : QkvPacking::by_kv_head;
  ValueId x = b.norm("token_embd_norm", b.embed_tokens());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    AttentionAttributes attention = b.attention_attributes();
    attention.slopes = alibi_slopes(shape.heads);
    x = b.add("attention_residual", x, b.attention(b.packed_qkv(b.norm("attn_norm", x), packing), attention));
    x = b.add("ffn_residual", x, b.feed_forward(b.norm("ffn_norm", x), ActivationFunction::gelu_tanh));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
