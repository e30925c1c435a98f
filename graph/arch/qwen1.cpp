// Qwen (Bai et al. 2023): LLaMA with packed, biased QKV. The configuration's feed-forward width counts gate
// and up. Beyond the trained length the base of rotation grows (dynamic NTK, in powers of two) and queries by
// the logarithm of their position; GGUF files do not know of either.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"token_embd", "transformer.wte"},
    {"output_norm", "transformer.ln_f"},
    {"layer", "transformer.h.{}."},
    {"attn_norm", "ln_1"},
    {"attn_qkv", "attn.c_attn"},
    {"attn_output", "attn.c_proj"},
    {"ffn_norm", "ln_2"},
    {"ffn_gate", "mlp.w2"},
    {"ffn_up", "mlp.w1"},
    {"ffn_down", "mlp.c_proj"},
};

}  // namespace

Decoder build_qwen1(const ModelDescription& model) {
  const ConfigReader config(model);
  DecoderShape shape = read_shape(
      model, NormKind::rms,
      {.kv_heads = "", .head_size = "kv_channels", .context = "seq_length", .epsilon = "layer_norm_epsilon"});
  shape.feed_forward /= 2;
  RopeAttributes rope = read_rope(model, shape);
  if (config.boolean_or("use_dynamic_ntk", false)) {
    rope.longer.context = shape.context;
    rope.longer.ntk_base = config.number_or("rotary_emb_base", 10000, 1, 1e12);
    rope.longer.ntk_factor = 2;
    rope.longer.ntk_doubles = true;
  }
  const bool logarithmic = config.boolean_or("use_logn_attn", false) && shape.context > 1;
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.packed_qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    if (logarithmic) attention.log_context = shape.context;
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, b.gated_feed_forward(b.norm("ffn_norm", x), ActivationFunction::silu));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
