// Granite (IBM 2024): LLaMA whose embedding, scores, residual sums and logits are scaled by constants.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

Decoder build_granite(const ModelDescription& model) {
  const ConfigReader config(model);
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  const auto factor = [&](std::string_view key) {
    return static_cast<float>(config.number_or(key, 1, 1e-6, 1e6));
  };
  const float residual = factor("residual_multiplier");
  DecoderBuilder b(model, shape);
  ValueId x = b.with_constant(Op::scale, "embedding_scale", factor("embedding_multiplier"), b.embed_tokens());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    attention.scale = factor("attention_multiplier");
    const ValueId attended = b.attention(b.rotated(qkv, rope), attention);
    x = b.add("attention_residual", x, b.with_constant(Op::scale, "attention_scale", residual, attended));
    const ValueId fed = b.gated_feed_forward(b.norm("ffn_norm", x), activation);
    x = b.add("ffn_residual", x, b.with_constant(Op::scale, "ffn_scale", residual, fed));
  }
  b.leave_layers();
  const ValueId logits = b.head(b.norm("output_norm", x));
  return b.finish(b.with_constant(Op::scale, "logit_scale", 1 / factor("logits_scaling"), logits));
}

}  // namespace burin::graph
