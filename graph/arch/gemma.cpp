// Gemma (Gemma Team 2024): LLaMA with the embedding scaled by sqrt(hidden), GELU gates, a tied head, and norm
// weights that Hugging Face stores less one.
#include <cmath>

#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

Decoder build_gemma(const ModelDescription& model) {
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_activation", "gelu_pytorch_tanh");
  DecoderBuilder b(model, shape);
  if (!b.gguf()) b.set_norm_weight_offset(1);
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(shape.hidden)));
  ValueId x = b.with_constant(Op::scale, "embedding_scale", scale, b.embed_tokens());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope)));
    x = b.add("ffn_residual", x, b.gated_feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
