// Mistral (Jiang et al. 2023): LLaMA whose positions may see only a window of those before them.
// GGUF files call it llama.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

Decoder build_mistral(const ModelDescription& model) {
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  const std::int64_t window = read_window(model);
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    attention.window = window;
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, b.gated_feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
