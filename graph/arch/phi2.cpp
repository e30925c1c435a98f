// Phi-2 (Microsoft 2023; Phi-1.5 too): attention and feed-forward side by side behind one layer norm, part of
// each head rotates, biases everywhere, in the head as well.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"output_norm", "model.final_layernorm"},
    {"attn_output", "self_attn.dense"},
    {"ffn_up", "mlp.fc1"},
    {"ffn_down", "mlp.fc2"},
};

}  // namespace

Decoder build_phi2(const ModelDescription& model) {
  require_setting(ConfigReader(model), "qk_layernorm", false);
  const DecoderShape shape =
      read_shape(model, NormKind::layer, {.epsilon = "layer_norm_eps", .default_epsilon = 1e-5});
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "gelu_new");
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const ValueId normed = b.norm("attn_norm", x);
    // GGUF files of some converters have Q, K and V in one.
    const Qkv qkv = b.gguf() && b.has("attn_qkv") ? b.packed_qkv(normed) : b.qkv(normed);
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope)));
    x = b.add("ffn_residual", x, b.feed_forward(normed, activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
