// GLM-4 (GLM Team 2024): LLaMA with gate and up in one matrix; neighbours rotate in the first half of each
// head. The 0414 versions (2025) have norms behind attention and feed-forward too.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"ffn_up", "mlp.gate_up_proj"},
                                 {"post_attention_norm", "post_self_attn_layernorm"},
                                 {"post_ffw_norm", "post_mlp_layernorm"}};

Decoder build(const ModelDescription& model, bool norms_behind) {
  const DecoderShape shape = read_shape(model, NormKind::rms, {.default_epsilon = 1.5625e-7});
  const RopeAttributes rope =
      read_rope(model, shape, {.hugging_face = RotaryStyle::interleaved, .gguf = RotaryStyle::interleaved});
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    ValueId attended = b.attention(b.rotated(b.qkv(b.norm("attn_norm", x)), rope));
    if (norms_behind) attended = b.norm("post_attention_norm", attended);
    x = b.add("attention_residual", x, attended);
    ValueId fed = b.packed_gated_feed_forward(b.norm("ffn_norm", x), activation);
    if (norms_behind) fed = b.norm("post_ffw_norm", fed);
    x = b.add("ffn_residual", x, fed);
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace

Decoder build_glm(const ModelDescription& model) { return build(model, false); }
Decoder build_glm4(const ModelDescription& model) { return build(model, true); }

}  // namespace burin::graph
