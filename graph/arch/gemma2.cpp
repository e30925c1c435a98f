// Gemma 2 (Gemma Team 2024): Gemma with norms before and behind attention and feed-forward, soft caps of
// scores and logits, and a window in every other layer. Gemma 3 (2025) norms the heads of Q and K instead of
// capping, and its layers with a window, five of six, rotate by another base.
#include <cmath>
#include <optional>

#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"
#include "graph/rope_frequencies.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"post_attention_norm", "post_attention_layernorm"},
                                 {"ffn_norm", "pre_feedforward_layernorm"},
                                 {"post_ffw_norm", "post_feedforward_layernorm"}};

struct GemmaSettings {
  std::vector<std::int64_t> windows;  // by layer
  RopeAttributes rope, window_rope;
  float scale = 1;
  float score_cap = 0;
  float logit_cap = 0;
  bool head_norms = false;
};

// The largest models scale by hidden / heads, which GGUF files do not say: their layers tell them.
float read_scale(const ModelDescription& model, const DecoderShape& shape, std::int64_t largest_layers) {
  const std::int64_t divisor = shape.layers == largest_layers ? shape.hidden / shape.heads : shape.head_size;
  const double scalar =
      ConfigReader(model).number_or("query_pre_attn_scalar", static_cast<double>(divisor), 1, 1 << 20);
  return static_cast<float>(1 / std::sqrt(scalar));
}

Decoder build(const ModelDescription& model, const DecoderShape& shape, const GemmaSettings& settings) {
  const ActivationFunction activation = read_activation(model, "hidden_activation", "gelu_pytorch_tanh");
  DecoderBuilder b(model, shape, kNames);
  if (!b.gguf()) b.set_norm_weight_offset(1);
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(shape.hidden)));
  ValueId x = b.with_constant(Op::scale, "embedding_scale", scale, b.embed_tokens());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    Qkv qkv = b.qkv(b.norm("attn_norm", x));
    if (settings.head_norms) {
      qkv.q = b.head_norm("attn_q_norm", qkv.q);
      qkv.k = b.head_norm("attn_k_norm", qkv.k);
    }
    AttentionAttributes attention = b.attention_attributes();
    attention.scale = settings.scale;
    attention.soft_cap = settings.score_cap;
    attention.window = settings.windows[static_cast<std::size_t>(layer)];
    const RopeAttributes& rope = attention.window > 0 ? settings.window_rope : settings.rope;
    const ValueId attended = b.attention(b.rotated(qkv, rope), attention);
    x = b.add("attention_residual", x, b.norm("post_attention_norm", attended));
    const ValueId fed = b.gated_feed_forward(b.norm("ffn_norm", x), activation);
    x = b.add("ffn_residual", x, b.norm("post_ffw_norm", fed));
  }
  b.leave_layers();
  ValueId logits = b.head(b.norm("output_norm", x), true);
  if (settings.logit_cap > 0) logits = b.with_constant(Op::soft_cap, "logit_cap", settings.logit_cap, logits);
  return b.finish(logits);
}

// The rotation of Gemma 3's layers with a window: another base, never scaled.
RopeAttributes read_window_rope(const ModelDescription& model, const DecoderShape& shape) {
  const ConfigReader config(model);
  if (config.has("rope_parameters")) return read_rope(model, shape, {.layer_type = "sliding_attention"});
  const std::string key = config_key(model, "rope.freq_base_swa", "rope_local_base_freq");
  RopeAttributes rope = read_rope(model, shape);
  rope.magnitude = 1;
  rope.longer = {};
  rope.inverse_frequencies = plain_frequencies(config.number_or(key, 10000, 1, 1e12), rope.rotary);
  return rope;
}

}  // namespace

Decoder build_gemma2(const ModelDescription& model) {
  constexpr std::int64_t kLargestLayers = 46;
  const ConfigReader config(model);
  const DecoderShape shape = read_shape(model, NormKind::rms);
  // What early GGUF files do not say; in Hugging Face's, null is none.
  const bool gguf = model.origin == Origin::gguf;
  constexpr std::int64_t kGgufWindow = 4096;
  const auto cap = [&](std::string_view name, double gguf_default) {
    const double otherwise = gguf ? gguf_default : 0;
    return static_cast<float>(config.number_or(config_key(model, name, name), otherwise, 0, 1e6));
  };
  GemmaSettings settings;
  settings.windows = read_windows(
      model, shape, [](std::int64_t layer) { return layer % 2 == 0; }, kGgufWindow);
  settings.rope = settings.window_rope = read_rope(model, shape);
  settings.scale = read_scale(model, shape, kLargestLayers);
  settings.score_cap = cap("attn_logit_softcapping", 50);
  settings.logit_cap = cap("final_logit_softcapping", 30);
  return build(model, shape, settings);
}

Decoder build_gemma3(const ModelDescription& model) {
  constexpr std::int64_t kLargestLayers = 62;
  const ConfigReader config(model);
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const std::string_view pattern_key =
      config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
  const std::int64_t pattern = config.integer_or(pattern_key, 6, 1, 1 << 16);
  GemmaSettings settings;
  settings.windows =
      read_windows(model, shape, [=](std::int64_t layer) { return (layer + 1) % pattern != 0; });
  settings.rope = read_rope(model, shape, {.layer_type = "full_attention"});
  settings.window_rope = read_window_rope(model, shape);
  settings.scale = read_scale(model, shape, kLargestLayers);
  settings.head_norms = true;
  return build(model, shape, settings);
}

}  // namespace burin::graph
