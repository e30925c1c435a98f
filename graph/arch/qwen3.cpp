// Qwen3 (Yang et al. 2025): LLaMA whose queries and keys are normed head by head before they rotate; and its
// mixture of experts.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"
#include "graph/arch/routed_experts.hpp"

namespace burin::graph {
namespace {

template <typename FeedForward>
Decoder build(const ModelDescription& model, const DecoderShape& shape, FeedForward&& feed_forward) {
  const RopeAttributes rope = read_rope(model, shape);
  const std::vector<std::int64_t> windows = read_qwen_windows(model, shape);
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    Qkv qkv = b.qkv(b.norm("attn_norm", x));
    qkv.q = b.head_norm("attn_q_norm", qkv.q);
    qkv.k = b.head_norm("attn_k_norm", qkv.k);
    AttentionAttributes attention = b.attention_attributes();
    attention.window = windows[static_cast<std::size_t>(layer)];
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, feed_forward(b, b.norm("ffn_norm", x)));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

constexpr ExpertNames kExperts = {.router = "mlp.gate",
                                  .gate = "mlp.experts.{}.gate_proj",
                                  .up = "mlp.experts.{}.up_proj",
                                  .down = "mlp.experts.{}.down_proj"};

}  // namespace

Decoder build_qwen3(const ModelDescription& model) {
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  return build(model, read_shape(model, NormKind::rms),
               [&](DecoderBuilder& b, ValueId x) { return b.gated_feed_forward(x, activation); });
}

Decoder build_qwen3_moe(const ModelDescription& model) {
  const ConfigReader config(model);
  ExpertSettings settings =
      read_experts(model, {.count = config.has("num_experts") ? "num_experts" : "num_local_experts",
                           .width = "moe_intermediate_size"});
  settings.activation = read_activation(model, "hidden_act", "silu");
  settings.route.normalise = config.boolean_or("norm_topk_prob", model.origin == Origin::gguf);
  if (config.integer_or("decoder_sparse_step", 1, 1, 1 << 16) != 1)
    config.refuse("decoder_sparse_step", "layers without experts are not supported yet: 1 is");
  if (config.has("mlp_only_layers")) config.texts("mlp_only_layers", 0);  // must be empty
  return build(model, read_shape(model, NormKind::rms),
               [&](DecoderBuilder& b, ValueId x) { return routed_experts(b, x, settings, kExperts); });
}

}  // namespace burin::graph
