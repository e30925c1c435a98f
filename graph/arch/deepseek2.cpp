// DeepSeek-V2 (DeepSeek-AI 2024): latent attention and a mixture of experts beside shared ones.
//
//   x -> kv_a -> latent (normed) -> kv_b -> keys and values of every head
//            \-> one rotated key for all heads
//   x -> q (or q_a, norm, q_b) -> queries, the last elements of each head rotated
//
// What a cache has to keep per position is the latent row and the one rotated key.
#include <cmath>

#include "graph/arch/builders.hpp"
#include "graph/arch/routed_experts.hpp"
#include "graph/rope_frequencies.hpp"

namespace burin::graph {
namespace {

constexpr ExpertNames kExperts = {.router = "mlp.gate",
                                  .gate = "mlp.experts.{}.gate_proj",
                                  .up = "mlp.experts.{}.up_proj",
                                  .down = "mlp.experts.{}.down_proj"};
constexpr GateNames kSharedExperts = {"mlp.shared_experts.gate_proj", "mlp.shared_experts.up_proj",
                                      "mlp.shared_experts.down_proj"};

struct LatentSizes {
  std::int64_t plain = 0;    // elements of a head of Q and K that do not rotate
  std::int64_t rotated = 0;  // that do
  std::int64_t value = 0;
  std::int64_t kv_latent = 0;
  std::int64_t q_latent = 0;  // 0: queries come straight from the row
};

LatentSizes read_sizes(const ConfigReader& config) {
  constexpr std::int64_t kMost = 1 << 16;
  LatentSizes sizes;
  sizes.plain = config.integer("qk_nope_head_dim", 1, kMost);
  sizes.rotated = config.integer("qk_rope_head_dim", 2, kMost);
  sizes.value = config.integer("v_head_dim", 1, kMost);
  sizes.kv_latent = config.integer("kv_lora_rank", 1, kMost);
  sizes.q_latent = config.integer_or("q_lora_rank", 0, 0, kMost);
  return sizes;
}

// YaRN's magnitude goes to all of the score here, not only to what rotates.
double read_scale(const ConfigReader& config, const LatentSizes& sizes) {
  double magnitude = 1;
  for (const char* key : {"rope_scaling", "rope_parameters"})
    if (const std::optional<ConfigReader> scaling = config.object(key);
        scaling && scaling->has("mscale_all_dim"))
      magnitude =
          yarn_magnitude(scaling->number("factor", 1e-3, 1e6), scaling->number("mscale_all_dim", 0, 1e3));
  return magnitude * magnitude / std::sqrt(static_cast<double>(sizes.plain + sizes.rotated));
}

ExpertSettings read_routing(const ModelDescription& model) {
  const ConfigReader config(model);
  ExpertSettings settings =
      read_experts(model, {.count = "n_routed_experts", .width = "moe_intermediate_size"});
  settings.activation = read_activation(model, "hidden_act", "silu");
  settings.route.normalise = config.boolean_or("norm_topk_prob", false);
  settings.route.scale = static_cast<float>(config.number_or("routed_scaling_factor", 1, 1e-6, 1e6));
  const std::string method = config.text_or("topk_method", "greedy");
  if (method == "group_limited_greedy") {
    settings.route.groups = config.integer("n_group", 1, settings.count);
    settings.route.groups_used = config.integer("topk_group", 1, settings.route.groups);
  } else if (method != "greedy") {
    config.refuse("topk_method", "not supported yet: greedy and group_limited_greedy are");
  }
  if (config.text_or("scoring_func", "softmax") != "softmax")
    config.refuse("scoring_func", "not supported yet: softmax is");
  if (config.integer_or("moe_layer_freq", 1, 1, 1 << 16) != 1)
    config.refuse("moe_layer_freq", "not supported yet: 1 is");
  return settings;
}

ValueId latent_attention(DecoderBuilder& b, ValueId x, const LatentSizes& sizes, const RopeAttributes& rope,
                         double scale) {
  const std::int64_t heads = b.shape().heads;
  const auto rows = [&](std::string_view node, std::string_view name, std::int64_t inputs,
                        std::int64_t stored, std::int64_t outputs, const MatrixView& view, ValueId from) {
    return b.linear_rows(node, b.part(name, outputs, stored, inputs, view), from);
  };
  // Q: by head, the plain elements before the rotated ones.
  ValueId q_input = x;
  std::int64_t q_inputs = b.shape().hidden;
  std::string_view q_name = "self_attn.q_proj";
  if (sizes.q_latent > 0) {
    q_input = b.norm("self_attn.q_a_layernorm", b.linear("self_attn.q_a_proj", sizes.q_latent, x));
    q_inputs = sizes.q_latent;
    q_name = "self_attn.q_b_proj";
  }
  const std::int64_t q_head = sizes.plain + sizes.rotated;
  const MatrixView plain = {.first = 0, .run = sizes.plain, .stride = q_head};
  const MatrixView turned = {.first = sizes.plain, .run = sizes.rotated, .stride = q_head};
  const ValueId q = rows("attn_q", q_name, q_inputs, heads * q_head, heads * sizes.plain, plain, q_input);
  const ValueId q_rotated = b.rope(
      "rope_q",
      rows("attn_q_rotated", q_name, q_inputs, heads * q_head, heads * sizes.rotated, turned, q_input), rope);

  // The latent row and the key that all heads share.
  const std::string_view kv_a = "self_attn.kv_a_proj_with_mqa";
  const std::int64_t kv_a_rows = sizes.kv_latent + sizes.rotated;
  const ValueId latent = b.norm("self_attn.kv_a_layernorm", rows("attn_kv_latent", kv_a, b.shape().hidden,
                                                                 kv_a_rows, sizes.kv_latent, {}, x));
  const ValueId k_rotated = b.rope(
      "rope_k",
      rows("attn_k_rotated", kv_a, b.shape().hidden, kv_a_rows, sizes.rotated, {.first = sizes.kv_latent}, x),
      rope);
  const std::string_view kv_b = "self_attn.kv_b_proj";
  const std::int64_t kv_head = sizes.plain + sizes.value;
  const MatrixView keys = {.first = 0, .run = sizes.plain, .stride = kv_head};
  const MatrixView values = {.first = sizes.plain, .run = sizes.value, .stride = kv_head};
  const ValueId k = rows("attn_k", kv_b, sizes.kv_latent, heads * kv_head, heads * sizes.plain, keys, latent);
  const ValueId v =
      rows("attn_v", kv_b, sizes.kv_latent, heads * kv_head, heads * sizes.value, values, latent);

  AttentionAttributes attention = b.attention_attributes();
  attention.kv_heads = attention.query_heads;
  attention.head_size = static_cast<int>(sizes.plain);
  attention.value_size = static_cast<int>(sizes.value);
  attention.shared_size = static_cast<int>(sizes.rotated);
  attention.scale = static_cast<float>(scale);
  return b.linear("attn_output", b.shape().hidden,
                  b.attention_node({q, k, v, q_rotated, k_rotated}, attention));
}

}  // namespace

Decoder build_deepseek2(const ModelDescription& model) {
  const ConfigReader config(model);
  const LatentSizes sizes = read_sizes(config);
  const DecoderShape shape =
      read_shape(model, NormKind::rms, {.kv_heads = "", .head_size = "qk_rope_head_dim"});
  const RopeAttributes rope = read_rope(model, shape, {.hugging_face = RotaryStyle::interleaved});
  const double scale = read_scale(config, sizes);
  const ExpertSettings experts = read_routing(model);
  const std::int64_t shared = config.integer_or("n_shared_experts", 0, 0, 1 << 10);
  const std::int64_t dense_layers = config.integer_or("first_k_dense_replace", 0, 0, shape.layers);
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    x = b.add("attention_residual", x, latent_attention(b, b.norm("attn_norm", x), sizes, rope, scale));
    const ValueId normed = b.norm("ffn_norm", x);
    if (layer < dense_layers) {
      x = b.add("ffn_residual", x, b.gated_feed_forward(normed, experts.activation));
      continue;
    }
    const ValueId routed = routed_experts(b, normed, experts, kExperts);
    // Before x becomes the sum: both read it.
    const ValueId common = shared == 0 ? kNoValue
                                       : b.gated_feed_forward(normed, experts.activation,
                                                              shared * experts.width, kSharedExperts);
    x = b.add("experts_residual", x, routed);
    if (shared > 0) x = b.add("ffn_residual", x, common);
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
