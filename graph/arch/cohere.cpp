// Command-R (Cohere 2024): attention and feed-forward side by side behind one layer norm without bias,
// neighbours rotate, the head is tied and its logits are scaled. Command-R+ normalises each head of Q and K, with
// weights of its own; GGUF files tell it by the tensors.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {

Decoder build_cohere(const ModelDescription& model) {
  const ConfigReader config(model);
  const DecoderShape shape =
      read_shape(model, NormKind::layer, {.epsilon = "layer_norm_eps", .default_epsilon = 1e-5});
  const RopeAttributes rope =
      read_rope(model, shape, {.hugging_face = RotaryStyle::interleaved, .gguf = RotaryStyle::interleaved});
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  const std::string scale_key = config_key(model, "logit_scale", "logit_scale");
  const auto logit_scale = static_cast<float>(config.number_or(scale_key, 0.0625, 1e-6, 1e6));
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const ValueId normed = b.norm("attn_norm", x);
    Qkv qkv = b.qkv(normed);
    if (b.gguf() ? b.has("attn_q_norm") : config.boolean_or("use_qk_norm", false)) {
      qkv.q = b.own_head_norms("attn_q_norm", qkv.q);
      qkv.k = b.own_head_norms("attn_k_norm", qkv.k);
    }
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope)));
    x = b.add("ffn_residual", x, b.gated_feed_forward(normed, activation));
  }
  b.leave_layers();
  const ValueId logits = b.head(b.norm("output_norm", x), true);
  return b.finish(b.with_constant(Op::scale, "logit_scale", logit_scale, logits));
}

}  // namespace burin::graph
