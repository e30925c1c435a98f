// OLMo 2 (OLMo Team 2024): LLaMA with its norms behind attention and feed-forward instead of before them, and
// norms over all of Q and K.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"post_attention_norm", "post_attention_layernorm"},
                                 {"post_ffw_norm", "post_feedforward_layernorm"}};

}  // namespace

Decoder build_olmo2(const ModelDescription& model) {
  // GGUF files of OLMo 3 call themselves olmo2.
  if (model.origin == Origin::gguf && read_window(model) > 0)
    ConfigReader(model).refuse(gguf_key(model, "attention.sliding_window"), "OLMo 3 is not supported yet");
  const DecoderShape shape = read_shape(model, NormKind::rms, {.default_epsilon = 1e-5});
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    Qkv qkv = b.qkv(x);
    qkv.q = b.norm("attn_q_norm", qkv.q);
    qkv.k = b.norm("attn_k_norm", qkv.k);
    x = b.add("attention_residual", x, b.norm("post_attention_norm", b.attention(b.rotated(qkv, rope))));
    x = b.add("ffn_residual", x, b.norm("post_ffw_norm", b.gated_feed_forward(x, activation)));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
