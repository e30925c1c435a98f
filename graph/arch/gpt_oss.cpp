// gpt-oss (OpenAI 2025): attention with sinks and a window in every other layer, biases everywhere, experts
// with a clamped gate. Hugging Face stores all experts of a layer in one tensor, gate and up output by output:
// transposed in BF16, as it is in MXFP4. GGUF has them in tensors of their own.
#include "graph/arch/builders.hpp"
#include "graph/arch/routed_experts.hpp"

namespace burin::graph {
namespace {

// mlp.experts.gate_up_proj [experts, hidden, 2 * width], mlp.experts.down_proj [experts, width, hidden]; codes:
// [experts, 2 * width, hidden] and [experts, hidden, width]
std::vector<Expert> stacked_experts(const ModelDescription& model, const DecoderBuilder& b,
                                    const ExpertSettings& settings) {
  const std::int64_t hidden = b.shape().hidden;
  const std::string gate_up = b.tensor("mlp.experts", "gate_up_proj");
  const std::string down = b.tensor("mlp.experts", "down_proj");
  const auto transposed = [&](const std::string& name, std::int64_t outputs, std::int64_t inputs) {
    const std::ptrdiff_t at = model.find(name);
    const bool coded = at >= 0 && model.tensors[static_cast<std::size_t>(at)].coded.has_value();
    require_tensor(model, name, {settings.count, coded ? outputs : inputs, coded ? inputs : outputs});
    return !coded;
  };
  const bool gates_transposed = transposed(gate_up, 2 * settings.width, hidden);
  const bool down_transposed = transposed(down, hidden, settings.width);
  require_tensor(model, gate_up + "_bias", {settings.count, 2 * settings.width});
  require_tensor(model, down + "_bias", {settings.count, hidden});
  std::vector<Expert> experts;
  for (std::int64_t slice = 0; slice < settings.count; ++slice) {
    const MatrixView gates = {
        .first = 0, .run = 1, .stride = 2, .transposed = gates_transposed, .slice = slice};
    const MatrixView ups = {
        .first = 1, .run = 1, .stride = 2, .transposed = gates_transposed, .slice = slice};
    experts.push_back({{gate_up, gate_up + "_bias", settings.width, gates},
                       {gate_up, gate_up + "_bias", settings.width, ups},
                       {down, down + "_bias", hidden, {.transposed = down_transposed, .slice = slice}}});
  }
  return experts;
}

// ffn_gate_exps, ffn_up_exps [experts, width, hidden], ffn_down_exps [experts, hidden, width], and their biases
std::vector<Expert> separate_experts(const ModelDescription& model, const DecoderBuilder& b,
                                     const ExpertSettings& settings) {
  const std::int64_t hidden = b.shape().hidden;
  const auto part = [&](std::string_view name, std::int64_t slice, std::int64_t outputs,
                        std::int64_t inputs) {
    LinearPart made = b.slice_of(name, slice, settings.count, outputs, inputs);
    made.bias = b.tensor(name, "bias");
    require_tensor(model, made.bias, {settings.count, outputs});
    return made;
  };
  std::vector<Expert> experts;
  for (std::int64_t slice = 0; slice < settings.count; ++slice)
    experts.push_back({part("ffn_gate_exps", slice, settings.width, hidden),
                       part("ffn_up_exps", slice, settings.width, hidden),
                       part("ffn_down_exps", slice, hidden, settings.width)});
  return experts;
}

}  // namespace

Decoder build_gpt_oss(const ModelDescription& model) {
  const ConfigReader config(model);
  const DecoderShape shape = read_shape(model, NormKind::rms, {.default_epsilon = 1e-5});
  const RopeAttributes rope = read_rope(model, shape, {.gguf_whole_pairs = false});
  const std::vector<std::int64_t> windows =
      read_windows(model, shape, [](std::int64_t layer) { return layer % 2 == 0; });
  ExpertSettings settings = read_experts(model, {});
  settings.route.normalise = true;
  ExpertsAttributes experts;
  experts.activation = ActivationFunction::silu;
  experts.limit = static_cast<float>(config.number_or("swiglu_limit", 7, 1e-3, 1e6));
  experts.slope = static_cast<float>(config.number_or("swiglu_alpha", 1.702, 1e-3, 1e3));
  DecoderBuilder b(model, shape);
  const bool gguf = b.gguf();
  ValueId x = b.embed_tokens();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    b.enter_layer(layer);
    const Qkv qkv = b.qkv(b.norm("attn_norm", x));
    AttentionAttributes attention = b.attention_attributes();
    attention.window = windows[static_cast<std::size_t>(layer)];
    attention.sinks = gguf ? b.tensor("attn_sinks") : b.tensor("self_attn", "sinks");
    require_tensor(model, attention.sinks, {shape.heads});
    x = b.add("attention_residual", x, b.attention(b.rotated(qkv, rope), attention));
    const ValueId normed = b.norm(gguf ? "post_attention_norm" : "ffn_norm", x);
    const ValueId route = route_node(b, normed, settings, gguf ? "ffn_gate_inp" : "mlp.router");
    experts.experts = gguf ? separate_experts(model, b, settings) : stacked_experts(model, b, settings);
    x = b.add("ffn_residual", x, experts_node(b, normed, route, experts));
  }
  b.leave_layers();
  return b.finish(b.head(b.norm("output_norm", x)));
}

}  // namespace burin::graph
