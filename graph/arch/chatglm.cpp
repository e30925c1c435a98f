// ChatGLM2 and 3 (Zeng et al. 2023): LLaMA with packed QKV and gates; neighbours rotate in the first half of
// each head.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"
#include "graph/rope_frequencies.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"token_embd", "transformer.embedding.word_embeddings"},
    {"output_norm", "transformer.encoder.final_layernorm"},
    {"output", "transformer.output_layer"},
    {"layer", "transformer.encoder.layers.{}."},
    {"attn_qkv", "self_attention.query_key_value"},
    {"attn_output", "self_attention.dense"},
    {"ffn_up", "mlp.dense_h_to_4h"},
    {"ffn_down", "mlp.dense_4h_to_h"},
};

RopeAttributes read_chatglm_rope(const ModelDescription& model, const DecoderShape& shape) {
  if (model.origin == Origin::gguf) return read_rope(model, shape, {.gguf = RotaryStyle::interleaved});
  RopeAttributes rope =
      read_rope(model, shape, {.hugging_face = RotaryStyle::interleaved, .elements = shape.head_size / 2});
  const double ratio = ConfigReader(model).number_or("rope_ratio", 1, 1e-3, 1e6);
  rope.inverse_frequencies = plain_frequencies(10000 * ratio, rope.rotary);
  return rope;
}

}  // namespace

Decoder build_chatglm(const ModelDescription& model) {
  const ConfigReader config(model);
  require_setting(config, "rmsnorm", true);
  require_setting(config, "post_layer_norm", true);
  require_setting(config, "apply_residual_connection_post_layernorm", false);
  const bool grouped = config.boolean_or("multi_query_attention", false);
  const DecoderShape shape = read_shape(model, NormKind::rms,
                                        {.layers = "num_layers",
                                         .kv_heads = grouped ? "multi_query_group_num" : "",
                                         .head_size = "kv_channels",
                                         .context = "seq_length",
                                         .feed_forward = "ffn_hidden_size",
                                         .epsilon = "layernorm_epsilon",
                                         .default_epsilon = 1e-5});
  const RopeAttributes rope = read_chatglm_rope(model, shape);
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.packed_qkv(b.norm("attn_norm", x));
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope)));
    x = b.add("ffn_residual", x,
              b.packed_gated_feed_forward(b.norm("ffn_norm", x), ActivationFunction::silu));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
