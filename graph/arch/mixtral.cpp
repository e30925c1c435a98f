// Mixtral (Jiang et al. 2024): Mistral with a mixture of experts as feed-forward. GGUF files call it llama.
#include "graph/arch/builders.hpp"
#include "graph/arch/routed_experts.hpp"

namespace burin::graph {
namespace {

constexpr ExpertNames kExperts = {.router = "block_sparse_moe.gate",
                                  .gate = "block_sparse_moe.experts.{}.w1",
                                  .up = "block_sparse_moe.experts.{}.w3",
                                  .down = "block_sparse_moe.experts.{}.w2"};

}  // namespace

Decoder build_mixtral(const ModelDescription& model) {
  const DecoderShape shape = read_shape(model, NormKind::rms);
  const RopeAttributes rope = read_rope(model, shape, {.gguf = RotaryStyle::interleaved});
  const std::int64_t window = read_window(model);
  ExpertSettings experts = read_experts(model, {});
  experts.activation = read_activation(model, "hidden_act", "silu");
  experts.route.normalise = true;
  DecoderBuilder b(model, shape);
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    attention.window = window;
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    x = b.add("ffn_residual", x, routed_experts(b, b.norm("ffn_norm", x), experts, kExperts));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
