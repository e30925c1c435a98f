// StarCoder2 (Lozhkov et al. 2024): layer norms, grouped queries with biases, rotation, windows, plain
// feed-forward.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"ffn_up", "mlp.c_fc"}, {"ffn_down", "mlp.c_proj"}};

}  // namespace

Decoder build_starcoder2(const ModelDescription& model) {
  const DecoderShape shape =
      read_shape(model, NormKind::layer, {.epsilon = "norm_epsilon", .default_epsilon = 1e-5});
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "gelu_pytorch_tanh");
  const std::int64_t window = read_window(model);
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    attention.window = window;
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, b.feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
