// LLaMA (Touvron et al. 2023) and what shares its shape: RMS norms, rotary attention, SiLU-gated feed-forward.
// GGUF files have the rows of Q and K permuted, so that neighbours rotate.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

Decoder build_llama(const ModelDescription& model) {
  // GGUF files of Mixtral call themselves llama.
  if (model.origin == Origin::gguf && ConfigReader(model).integer_or("llama.expert_count", 0, 0, 1 << 16) > 0)
    return build_mixtral(model);
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape, {.gguf = RotaryStyle::interleaved});
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope)));
    x = b.add("ffn_residual", x, b.gated_feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
