// StarCoder (Li et al. 2023; "gpt_bigcode"): GPT-2 with one KV head and matrices stored as they are.
#include "graph/arch/builders.hpp"
#include "graph/arch/decoder_builder.hpp"
#include "graph/arch/gpt2_names.hpp"

namespace burin::graph {

Decoder build_starcoder(const ModelDescription& model) {
  const ConfigReader config(model);
  require_setting(config, "multi_query", true);
  require_setting(config, "scale_attn_weights", true);
  DecoderShape shape = read_shape(model, NormKind::layer, kGpt2Keys);
  if (model.origin == Origin::hugging_face) shape.kv_heads = 1;
  const ActivationFunction activation = read_activation(model, "activation_function", "gelu_pytorch_tanh");
  DecoderBuilder b(model, shape, kGpt2Names);
  const ValueId tokens = b.embed_tokens();
  ValueId x = b.add("embedding", tokens, b.embed_positions());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    x = b.add("attention_residual", x, b.attention(b.packed_qkv(b.norm("attn_norm", x))));
    x = b.add("ffn_residual", x, b.feed_forward(b.norm("ffn_norm", x), activation));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x), true));
}

}  // namespace burin::graph
