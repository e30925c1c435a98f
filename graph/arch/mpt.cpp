// MPT (MosaicML 2023): ALiBi with a chosen largest exponent, or learned positions, no biases, Q, K and V clipped in
// some models.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"token_embd", "transformer.wte"},
    {"position_embd", "transformer.wpe"},
    {"output_norm", "transformer.norm_f"},
    {"layer", "transformer.blocks.{}."},
    {"attn_norm", "norm_1"},
    {"attn_qkv", "attn.Wqkv"},
    {"attn_output", "attn.out_proj"},
    {"ffn_norm", "norm_2"},
    {"ffn_up", "ffn.up_proj"},
    {"ffn_down", "ffn.down_proj"},
};

struct MptAttention {
  double largest_exponent = 8;  // of ALiBi; 0: positions are learned
  double clip = 0;              // of Q, K and V; 0: none
  double scale = 0;             // 0: the usual one
};

MptAttention read_attention(const ModelDescription& model) {
  const ConfigReader config(model);
  MptAttention attention;
  if (model.origin == Origin::gguf) {
    attention.largest_exponent = config.number(gguf_key(model, "attention.max_alibi_bias"), 0, 64);
    attention.clip = config.number_or(gguf_key(model, "attention.clamp_kqv"), 0, 0, 1e6);
    return attention;
  }
  if (config.has("logit_scale")) config.refuse("logit_scale", "not supported yet: null is");
  const std::optional<ConfigReader> own = config.object("attn_config");
  if (!own) config.refuse("attn_config", "must be an object: it says what positions are");
  const bool alibi = own->boolean_or("alibi", false);
  if (!alibi) require_setting(config, "learned_pos_emb", true);
  require_setting(*own, "rope", false);
  require_setting(*own, "qk_ln", false);
  require_setting(*own, "qk_gn", false);
  require_setting(*own, "prefix_lm", false);
  if (own->text_or("attn_type", "multihead_attention") != "multihead_attention")
    own->refuse("attn_type", "not supported yet: multihead_attention is");
  attention.largest_exponent = alibi ? own->number_or("alibi_bias_max", 8, 1e-3, 64) : 0;
  attention.clip = own->number_or("clip_qkv", 0, 0, 1e6);
  attention.scale = own->number_or("softmax_scale", 0, 0, 1e3);
  return attention;
}

Qkv clipped(DecoderBuilder& b, const Qkv& qkv, double limit) {
  if (limit == 0) return qkv;
  const auto clip = [&](std::string_view node, ValueId x) {
    return b.with_constant(Op::clip, node, static_cast<float>(limit), x);
  };
  return {clip("clip_q", qkv.q), clip("clip_k", qkv.k), clip("clip_v", qkv.v)};
}

}  // namespace

Decoder build_mpt(const ModelDescription& model) {
  const MptAttention settings = read_attention(model);
  const std::int64_t ratio = ConfigReader(model).integer_or("expansion_ratio", 4, 1, 1 << 10);
  const DecoderShape shape = read_shape(model, NormKind::layer,
                                        {.hidden = "d_model",
                                         .layers = "n_layers",
                                         .heads = "n_heads",
                                         .kv_heads = "",
                                         .head_size = "",
                                         .context = "max_seq_len",
                                         .feed_forward = "",
                                         .feed_forward_factor = ratio,
                                         .epsilon = "layer_norm_epsilon",
                                         .default_epsilon = 1e-5});
  DecoderBuilder b(model, shape, kNames);
  const bool learned = settings.largest_exponent == 0;
  ValueId x = b.embed_tokens();
  if (learned) x = b.add("embedding", x, b.embed_positions());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    AttentionAttributes attention = b.attention_attributes();
    if (!learned) attention.slopes = alibi_slopes(shape.heads, settings.largest_exponent);
    if (settings.scale > 0) attention.scale = static_cast<float>(settings.scale);
    const Qkv qkv = clipped(b, b.packed_qkv(b.norm("attn_norm", x)), settings.clip);
    x = b.add("attention_residual", x, b.attention(qkv, attention));
    x = b.add("ffn_residual", x, b.feed_forward(b.norm("ffn_norm", x), ActivationFunction::gelu_erf));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
