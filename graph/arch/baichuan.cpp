// Baichuan (Yang et al. 2023). 7B: LLaMA with packed QKV. 13B: ALiBi instead of rotation; Hugging Face's
// config then has no max_position_embeddings, GGUF files have 40 layers.
//
// Baichuan 2 divides each row of its head by the row's length before the first use; its config has a z_loss_weight
// then. Converters to GGUF take heads as they are, and llama.cpp computes with what the file holds: so do we. Whoever
// makes such a file normalises the head first, as the model's authors say
// (https://github.com/baichuan-inc/Baichuan2, "migrating from Baichuan 1").
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {{"attn_qkv", "self_attn.W_pack"}};
constexpr std::int64_t kAlibiLayers = 40;

}  // namespace

Decoder build_baichuan(const ModelDescription& model) {
  const ConfigReader config(model);
  const bool normalised_head = model.origin == Origin::hugging_face && config.has("z_loss_weight");
  const bool rotary = config.has("max_position_embeddings");
  const DecoderShape shape =
      read_shape(model, NormKind::rms, {.context = rotary ? "max_position_embeddings" : "model_max_length"});
  const RopeAttributes rope = read_rope(model, shape, {.gguf = RotaryStyle::interleaved});
  const ActivationFunction activation = read_activation(model, "hidden_act", "silu");
  DecoderBuilder b(model, shape, kNames);
  const bool alibi = b.gguf() ? shape.layers == kAlibiLayers : !rotary;
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const ValueId normed = b.norm("attn_norm", x);
    const Qkv qkv = b.gguf() ? b.qkv(normed) : b.packed_qkv(normed);
    AttentionAttributes attention = b.attention_attributes();
    if (alibi) attention.slopes = alibi_slopes(shape.heads);
    x = b.add("attention_residual", x, b.attention(alibi ? qkv : b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, b.gated_feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), false, normalised_head));
}

}  // namespace burin::graph
