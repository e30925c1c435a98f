// GPT-2 (Radford et al. 2019): layer norms, learned positions, packed QKV, plain feed-forward. Hugging Face
// stores its matrices transposed ("Conv1D"); GGUF does not.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"
#include "graph/arch/gpt2_names.hpp"

namespace burin::graph {

Decoder build_gpt2(const ModelDescription& model) {
  const ConfigReader config(model);
  require_setting(config, "scale_attn_weights", true);
  require_setting(config, "scale_attn_by_inverse_layer_idx", false);
  const DecoderShape shape = read_shape(model, NormKind::layer, kGpt2Keys);
  const ActivationFunction activation = read_activation(model, "activation_function", "gelu_new");
  const bool transposed = model.origin == Origin::hugging_face;
  DecoderBuilder b(model, shape, kGpt2Names);
  const ValueId tokens = b.embed_tokens();
  ValueId x = b.add("embedding", tokens, b.embed_positions());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.packed_qkv(b.norm("attn_norm", x), QkvPacking::one_by_one, transposed);
    const ValueId mixed = b.attention_node({qkv.q, qkv.k, qkv.v}, b.attention_attributes());
    const MatrixView view = {.transposed = transposed};
    const LinearPart output = b.part("attn_output", shape.hidden, shape.hidden, shape.hidden, view);
    x = b.add("attention_residual", x, b.linear_rows("attn_output", output, mixed));
    x = b.add("ffn_residual", x, b.feed_forward(b.norm("ffn_norm", x), activation, transposed));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
