// DeepSeek-V2 (DeepSeek-AI 2024): latent attention and a mixture of experts beside shared ones.
//
//   x -> kv_a -> latent (normed) -> kv_b -> keys and values of every head
//            \-> one rotated key for all heads
//   x -> q (or q_a, norm, q_b) -> queries, the last elements of each head rotated
//
// What a cache has to keep per position is the latent row and the one rotated key.
//
// GGUF files have kv_b as it is (attn_kv_b) or, since 2025, taken apart by head: attn_k_b [heads, latent, plain], which
// is turned round, and attn_v_b [heads, value, latent]. Their key_length and value_length are those of the latent form
// then, and key_length_mla and value_length_mla those of heads.
#include <cmath>

#include "graph/arch/builders.hpp"
#include "graph/arch/routed_experts.hpp"
#include "graph/rope_frequencies.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"attn_q_a", "self_attn.q_a_proj"},
                                 {"attn_q_a_norm", "self_attn.q_a_layernorm"},
                                 {"attn_q_b", "self_attn.q_b_proj"},
                                 {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
                                 {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
                                 {"attn_kv_b", "self_attn.kv_b_proj"},
                                 {"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
                                 {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
                                 {"ffn_down_shexp", "mlp.shared_experts.down_proj"}};
constexpr ExpertNames kExperts = {.router = "mlp.gate",
                                  .gate = "mlp.experts.{}.gate_proj",
                                  .up = "mlp.experts.{}.up_proj",
                                  .down = "mlp.experts.{}.down_proj"};
constexpr GateNames kSharedExperts = {"ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp"};

struct LatentSizes {
  std::int64_t plain = 0;    // elements of a head of Q and K that do not rotate
  std::int64_t rotated = 0;  // that do
  std::int64_t value = 0;
  std::int64_t kv_latent = 0;
  std::int64_t q_latent = 0;  // 0: queries come straight from the row
};

LatentSizes read_sizes(const ModelDescription& model) {
  constexpr std::int64_t kMost = 1 << 16;
  const ConfigReader config(model);
  LatentSizes sizes;
  const auto read = [&](std::string_view gguf, std::string_view hugging_face, std::int64_t least) {
    return config.integer(config_key(model, gguf, hugging_face), least, kMost);
  };
  sizes.rotated = read("rope.dimension_count", "qk_rope_head_dim", 2);
  sizes.kv_latent = read("attention.kv_lora_rank", "kv_lora_rank", 1);
  sizes.q_latent = config.integer_or(config_key(model, "attention.q_lora_rank", "q_lora_rank"), 0, 0, kMost);
  if (model.origin == Origin::hugging_face) {
    sizes.plain = config.integer("qk_nope_head_dim", 1, kMost);
    sizes.value = config.integer("v_head_dim", 1, kMost);
    return sizes;
  }
  const bool latent_form = config.has(gguf_key(model, "attention.key_length_mla"));
  const std::string key_length = latent_form ? "attention.key_length_mla" : "attention.key_length";
  sizes.plain = config.integer(gguf_key(model, key_length), sizes.rotated + 1, kMost) - sizes.rotated;
  sizes.value = read(latent_form ? "attention.value_length_mla" : "attention.value_length", "", 1);
  return sizes;
}

// What YaRN multiplies all of the score with, not only what rotates.
double read_magnitude(const ModelDescription& model) {
  const ConfigReader config(model);
  if (model.origin == Origin::gguf) {  // 0.1 * mscale_all_dim
    const double share = config.number_or(gguf_key(model, "rope.scaling.yarn_log_multiplier"), 0, 0, 1e2);
    return yarn_magnitude(config.number_or(gguf_key(model, "rope.scaling.factor"), 1, 1e-3, 1e6), 10 * share);
  }
  for (const char* key : {"rope_scaling", "rope_parameters"})
    if (const std::optional<ConfigReader> scaling = config.object(key);
        scaling && scaling->has("mscale_all_dim"))
      return yarn_magnitude(scaling->number("factor", 1e-3, 1e6), scaling->number("mscale_all_dim", 0, 1e3));
  return 1;
}

RopeAttributes read_rotation(const ModelDescription& model, const DecoderShape& shape) {
  RopeAttributes rope =
      read_rope(model, shape, {.hugging_face = RotaryStyle::interleaved, .gguf = RotaryStyle::interleaved});
  // GGUF files are of models whose mscale is mscale_all_dim, so that nothing is left for what rotates.
  if (model.origin == Origin::gguf) rope.magnitude = 1;
  return rope;
}

void read_groups(const ModelDescription& model, ExpertSettings& settings) {
  const ConfigReader config(model);
  RouteAttributes& route = settings.route;
  if (model.origin == Origin::gguf) {
    route.groups = config.integer_or(gguf_key(model, "expert_group_count"), 1, 1, settings.count);
    route.groups_used =
        config.integer_or(gguf_key(model, "expert_group_used_count"), route.groups, 1, route.groups);
    return;
  }
  const std::string method = config.text_or("topk_method", "greedy");
  if (method == "group_limited_greedy") {
    route.groups = config.integer("n_group", 1, settings.count);
    route.groups_used = config.integer("topk_group", 1, route.groups);
  } else if (method != "greedy") {
    config.refuse("topk_method", "not supported yet: greedy and group_limited_greedy are");
  }
}

void require_softmax(const ModelDescription& model) {
  const ConfigReader config(model);
  if (model.origin == Origin::gguf) {  // 0 and none: of files from before there were others
    const std::string key = gguf_key(model, "expert_gating_func");
    if (config.integer_or(key, 1, 0, 100) > 1)
      config.refuse(key, "not supported yet: softmax (1) is, as DeepSeek-V2 has it");
  } else if (config.text_or("scoring_func", "softmax") != "softmax") {
    config.refuse("scoring_func", "not supported yet: softmax is");
  }
}

ExpertSettings read_routing(const ModelDescription& model) {
  const ConfigReader config(model);
  ExpertSettings settings =
      read_experts(model, {.count = "n_routed_experts", .width = "moe_intermediate_size"});
  settings.activation = read_activation(model, "hidden_act", "silu");
  settings.route.normalise =
      config.boolean_or(config_key(model, "expert_weights_norm", "norm_topk_prob"), false);
  const std::string scale = config_key(model, "expert_weights_scale", "routed_scaling_factor");
  settings.route.scale = static_cast<float>(config.number_or(scale, 1, 1e-6, 1e6));
  read_groups(model, settings);
  require_softmax(model);
  if (config.integer_or("moe_layer_freq", 1, 1, 1 << 16) != 1)
    config.refuse("moe_layer_freq", "not supported yet: 1 is");
  return settings;
}

struct KeysAndValues {
  LinearPart keys, values;  // of the latent row
};

KeysAndValues keys_and_values(const DecoderBuilder& b, const LatentSizes& sizes) {
  const std::int64_t heads = b.shape().heads;
  if (b.gguf() && b.has("attn_k_b"))
    return {b.slices_of("attn_k_b", heads, sizes.plain, sizes.kv_latent, true),
            b.slices_of("attn_v_b", heads, sizes.value, sizes.kv_latent, false)};
  const std::int64_t head = sizes.plain + sizes.value;
  const auto rows = [&](std::int64_t first, std::int64_t run) {
    return b.part("attn_kv_b", heads * run, heads * head, sizes.kv_latent,
                  {.first = first, .run = run, .stride = head});
  };
  return {rows(0, sizes.plain), rows(sizes.plain, sizes.value)};
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
  std::string_view q_name = "attn_q";
  if (sizes.q_latent > 0) {
    q_input = b.norm("attn_q_a_norm", b.linear("attn_q_a", sizes.q_latent, x));
    q_inputs = sizes.q_latent;
    q_name = "attn_q_b";
  }
  const std::int64_t q_head = sizes.plain + sizes.rotated;
  const MatrixView plain = {.first = 0, .run = sizes.plain, .stride = q_head};
  const MatrixView turned = {.first = sizes.plain, .run = sizes.rotated, .stride = q_head};
  const ValueId q = rows("attn_q", q_name, q_inputs, heads * q_head, heads * sizes.plain, plain, q_input);
  const ValueId q_rotated = b.rope(
      "rope_q",
      rows("attn_q_rotated", q_name, q_inputs, heads * q_head, heads * sizes.rotated, turned, q_input), rope);

  // The latent row and the key that all heads share.
  const std::string_view kv_a = "attn_kv_a_mqa";
  const std::int64_t kv_a_rows = sizes.kv_latent + sizes.rotated;
  const ValueId latent = b.norm(
      "attn_kv_a_norm", rows("attn_kv_latent", kv_a, b.shape().hidden, kv_a_rows, sizes.kv_latent, {}, x));
  const ValueId k_rotated = b.rope(
      "rope_k",
      rows("attn_k_rotated", kv_a, b.shape().hidden, kv_a_rows, sizes.rotated, {.first = sizes.kv_latent}, x),
      rope);
  const KeysAndValues parts = keys_and_values(b, sizes);
  const ValueId k = b.linear_rows("attn_k", parts.keys, latent);
  const ValueId v = b.linear_rows("attn_v", parts.values, latent);

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
  const LatentSizes sizes = read_sizes(model);
  const DecoderShape shape =
      read_shape(model, NormKind::rms, {.kv_heads = "", .head_size = "qk_rope_head_dim"},
                 {.size = "rope.dimension_count", .value_size = ""});
  const RopeAttributes rope = read_rotation(model, shape);
  const double magnitude = read_magnitude(model);
  const double scale = magnitude * magnitude / std::sqrt(static_cast<double>(sizes.plain + sizes.rotated));
  const ExpertSettings experts = read_routing(model);
  const std::int64_t shared =
      config.integer_or(config_key(model, "expert_shared_count", "n_shared_experts"), 0, 0, 1 << 10);
  const std::int64_t dense_layers = config.integer_or(
      config_key(model, "leading_dense_block_count", "first_k_dense_replace"), 0, 0, shape.layers);
  DecoderBuilder b(model, shape, kNames);
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
