// StableLM (Bellagente et al. 2024): layer norms, a quarter of each head rotates, SiLU-gated feed-forward, in
// some versions beside the attention behind the same norm. StableLM 2 12B normalises each head of Q and K, with
// weights of its own; GGUF files tell it by the tensors.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"attn_q_norm", "self_attn.q_layernorm.norms.{}"},
                                 {"attn_k_norm", "self_attn.k_layernorm.norms.{}"}};

}  // namespace

Decoder build_stablelm(const ModelDescription& model) {
  const ConfigReader config(model);
  const DecoderShape shape =
      read_shape(model, NormKind::layer, {.epsilon = "layer_norm_eps", .default_epsilon = 1e-5});
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  const bool parallel =
      config.boolean_or(config_key(model, "use_parallel_residual", "use_parallel_residual"), false);
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const ValueId normed = b.norm("attn_norm", x);
    Qkv qkv = b.qkv(normed);
    if (b.gguf() ? b.has("attn_q_norm") : config.boolean_or("qk_layernorm", false)) {
      qkv.q = b.own_head_norms("attn_q_norm", qkv.q);
      qkv.k = b.own_head_norms("attn_k_norm", qkv.k);
    }
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope)));
    const ValueId normed2 = parallel ? normed : b.norm("ffn_norm", x);
    x = b.add("ffn_residual", x, b.gated_feed_forward(normed2, activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
