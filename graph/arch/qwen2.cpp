// Qwen2 (Yang et al. 2024): LLaMA with biases on Q, K and V, and windows in the layers from
// max_window_layers on where the configuration says so.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

Decoder build_qwen2(const ModelDescription& model) {
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  const std::vector<std::int64_t> windows = read_qwen_windows(model, shape);
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    attention.window = windows[static_cast<std::size_t>(layer)];
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, b.gated_feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
