// Granite (IBM 2024): LLaMA whose embedding, scores, residual sums and logits are scaled by constants.
// GGUF files have the rows of Q and K permuted, so that neighbours rotate.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

Decoder build_granite(const ModelDescription& model) {
  const ConfigReader config(model);
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape, {.gguf = RotaryStyle::interleaved});
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  const auto factor = [&](std::string_view gguf, std::string_view hugging_face, double otherwise) {
    const std::string key = config_key(model, gguf, hugging_face);
    return static_cast<float>(config.number_or(key, otherwise, 1e-6, 1e6));
  };
  const float embedding = factor("embedding_scale", "embedding_multiplier", 1);
  const float residual = factor("residual_scale", "residual_multiplier", 1);
  const float logit_divisor = factor("logit_scale", "logits_scaling", 1);
  DecoderBuilder b(model, shape);
  ValueId x = b.with_constant(Op::scale, "embedding_scale", embedding, b.embed_tokens());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    // llama.cpp scales as usual where the key is missing, Hugging Face not at all.
    const double missing_scale = b.gguf() ? static_cast<double>(attention.scale) : 1;
    attention.scale = factor("attention.scale", "attention_multiplier", missing_scale);
    const ValueId attended = b.attention(b.rotated(qkv, rope), attention);
    x = b.add("attention_residual", x, b.with_constant(Op::scale, "attention_scale", residual, attended));
    const ValueId fed = b.gated_feed_forward(b.norm("ffn_norm", x), activation);
    x = b.add("ffn_residual", x, b.with_constant(Op::scale, "ffn_scale", residual, fed));
  }
  b.leave_layers();
  const ValueId logits = b.head(b.norm("output_norm", x));
  return b.finish(b.with_constant(Op::scale, "logit_scale", 1 / logit_divisor, logits));
}

}  // namespace burin::graph
