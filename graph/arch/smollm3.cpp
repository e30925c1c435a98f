// SmolLM3 (Hugging Face 2025): LLaMA in which every fourth layer does not rotate.
// GGUF files have the rows of Q and K permuted, so that neighbours rotate.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

// By layer: 1 where it rotates.
std::vector<double> read_rotating(const ModelDescription& model, const DecoderShape& shape) {
  const ConfigReader config(model);
  const auto layers = static_cast<std::size_t>(shape.layers);
  if (config.has("no_rope_layers")) return config.numbers("no_rope_layers", layers, 0, 1);
  const std::int64_t interval = config.integer_or("no_rope_layer_interval", 4, 1, 1 << 16);
  std::vector<double> rotating;
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    rotating.push_back((layer + 1) % interval != 0 ? 1 : 0);
  return rotating;
}

}  // namespace

Decoder build_smollm3(const ModelDescription& model) {
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape, {.gguf = RotaryStyle::interleaved});
  const std::vector<double> rotating = read_rotating(model, shape);
  const std::vector<std::int64_t> windows = read_qwen_windows(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    const auto index = static_cast<std::size_t>(layer);
    AttentionAttributes attention = b.attention_attributes();
    attention.window = windows[index];
    x = b.add("attention_residual", x,
              b.attention(rotating[index] > 0 ? b.rotated(qkv, rope) : qkv, attention));
    x = b.add("ffn_residual", x, b.gated_feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
