// OPT (Zhang et al. 2022): learned positions from 2 on, ReLU. The 350M model has its norms behind the
// residual sums, and a narrower embedding that is projected in and out. There are no GGUF files of it.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr std::int64_t kFirstPosition = 2;

constexpr TensorName kNames[] = {
    {"token_embd", "model.decoder.embed_tokens"},
    {"position_embd", "model.decoder.embed_positions"},
    {"project_in", "model.decoder.project_in"},
    {"project_out", "model.decoder.project_out"},
    {"output_norm", "model.decoder.final_layer_norm"},
    {"layer", "model.decoder.layers.{}."},
    {"attn_norm", "self_attn_layer_norm"},
    {"attn_output", "self_attn.out_proj"},
    {"ffn_norm", "final_layer_norm"},
    {"ffn_up", "fc1"},
    {"ffn_down", "fc2"},
};

}  // namespace

Decoder build_opt(const ModelDescription& model) {
  const ConfigReader config(model);
  require_setting(config, "enable_bias", true);
  require_setting(config, "layer_norm_elementwise_affine", true);
  const DecoderShape shape = read_shape(
      model, NormKind::layer,
      {.kv_heads = "", .head_size = "", .feed_forward = "ffn_dim", .epsilon = "", .default_epsilon = 1e-5});
  const ActivationFunction activation = read_activation(model, "activation_function", "relu");
  const bool norm_first = config.boolean_or("do_layer_norm_before", true);
  const bool final_norm = norm_first && !config.boolean_or("_remove_final_layer_norm", false);
  const std::int64_t width = config.integer_or("word_embed_proj_dim", shape.hidden, 1, 1 << 20);
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens(width);
  if (width != shape.hidden) x = b.linear("project_in", shape.hidden, x);
  x = b.add("embedding", x, b.embed_positions(kFirstPosition));
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    x = b.add("attention_residual", x, b.attention(b.qkv(norm_first ? b.norm("attn_norm", x) : x)));
    if (!norm_first) x = b.norm("attn_norm", x);
    x = b.add("ffn_residual", x, b.feed_forward(norm_first ? b.norm("ffn_norm", x) : x, activation));
    if (!norm_first) x = b.norm("ffn_norm", x);
  }
  b.leave_layers();
  if (final_norm) x = b.norm("output_norm", x);
  if (width != shape.hidden) x = b.linear("project_out", width, x);
  return b.finish(b.head(x, true));
}

}  // namespace burin::graph
