// GPT-NeoX (Black et al. 2022; Pythia, Dolly v2, RedPajama): attention and feed-forward side by side, each
// behind its own layer norm, or one after the other. Hugging Face packs Q, K and V head by head.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"token_embd", "gpt_neox.embed_in"},
    {"output_norm", "gpt_neox.final_layer_norm"},
    {"output", "embed_out"},
    {"layer", "gpt_neox.layers.{}."},
    {"attn_qkv", "attention.query_key_value"},
    {"attn_output", "attention.dense"},
    {"ffn_up", "mlp.dense_h_to_4h"},
    {"ffn_down", "mlp.dense_4h_to_h"},
};

}  // namespace

Decoder build_gptneox(const ModelDescription& model) {
  const DecoderShape shape =
      read_shape(model, NormKind::layer, {.epsilon = "layer_norm_eps", .default_epsilon = 1e-5});
  const RopeAttributes rope = read_rope(model, shape);
  const ActivationFunction activation = read_activation(model, "hidden_act", "gelu");
  const bool parallel = ConfigReader(model).boolean_or(
      config_key(model, "use_parallel_residual", "use_parallel_residual"), true);
  DecoderBuilder b(model, shape, kNames);
  const QkvPacking packing = b.gguf() ? QkvPacking::one_by_one : QkvPacking::by_kv_head;
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.packed_qkv(b.norm("attn_norm", x), packing);
    const ValueId attended = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope)));
    const ValueId normed = b.norm("ffn_norm", parallel ? x : attended);
    x = b.add("ffn_residual", attended, b.feed_forward(normed, activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
