// GPT-J (Wang and Komatsuzaki 2021): attention and feed-forward side by side behind one layer norm; the first
// rotary_dim elements of a head rotate, neighbour by neighbour. There are no GGUF files of it.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"
#include "graph/arch/gpt2_names.hpp"

namespace burin::graph {
namespace {

constexpr TensorName kNames[] = {
    {"token_embd", "transformer.wte"}, {"output_norm", "transformer.ln_f"},
    {"layer", "transformer.h.{}."},    {"attn_norm", "ln_1"},
    {"attn_q", "attn.q_proj"},         {"attn_k", "attn.k_proj"},
    {"attn_v", "attn.v_proj"},         {"attn_output", "attn.out_proj"},
    {"ffn_up", "mlp.fc_in"},           {"ffn_down", "mlp.fc_out"},
};

}  // namespace

Decoder build_gptj(const ModelDescription& model) {
  const DecoderShape shape = read_shape(model, NormKind::layer, kGpt2Keys);
  const std::int64_t rotary =
      ConfigReader(model).integer_or("rotary_dim", shape.head_size, 2, shape.head_size);
  const RopeAttributes rope =
      read_rope(model, shape, {.hugging_face = RotaryStyle::interleaved, .elements = rotary});
  const ActivationFunction activation = read_activation(model, "activation_function", "gelu_new");
  DecoderBuilder b(model, shape, kNames);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const ValueId normed = b.norm("attn_norm", x);
    x = b.add("attention_residual", x, b.attention(b.rotated(b.qkv(normed), rope)));
    x = b.add("ffn_residual", x, b.feed_forward(normed, activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
