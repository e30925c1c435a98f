// Phi-3 (Abdin et al. 2024): LLaMA with Q, K, V in one matrix and gate, up in another; windows; longrope in
// the long-context versions, whose factors GGUF stores as tensors.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"attn_qkv", "self_attn.qkv_proj"}, {"ffn_up", "mlp.gate_up_proj"}};

RopeAttributes read_phi3_rope(const ModelDescription& model, const DecoderShape& shape) {
  RopeAttributes rope = read_rope(model, shape);
  if (model.find("rope_factors_long.weight") < 0) return rope;
  for (const std::string_view tensor : {"rope_factors_short.weight", "rope_factors_long.weight"})
    require_tensor(model, tensor, {rope.rotary / 2});
  rope.factors = "rope_factors_short.weight";
  rope.longer.context =
      ConfigReader(model).integer(gguf_key(model, "rope.scaling.original_context_length"), 1, shape.context);
  rope.longer.inverse_frequencies = rope.inverse_frequencies;
  rope.longer.factors = "rope_factors_long.weight";
  return rope;
}

}  // namespace

Decoder build_phi3(const ModelDescription& model) {
  const DecoderShape shape = read_shape(model, NormKind::rms, {.default_epsilon = 1e-5});
  const RopeAttributes rope = read_phi3_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  const std::int64_t window = read_window(model);
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.packed_qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    attention.window = window;
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, b.packed_gated_feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
