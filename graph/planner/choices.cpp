#include "graph/planner/choices.hpp"

#include <algorithm>

#include "graph/lowerable.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

constexpr std::int64_t kDefaultContext = 4096;
constexpr std::uint64_t kSmallModelBytes = 16u << 20;

// Where each further token rotates all others anew, the default stays below it.
std::int64_t context_of_one_rotation(const Graph& graph) {
  std::int64_t context = INT64_MAX;
  for (const Node& node : graph.nodes)
    for (const RopeAttributes* rope : {&node.linear.attention.rope, &node.heads.attention.rope})
      if (rope->longer.ntk_base > 0 && !rope->longer.ntk_doubles)
        context = std::min(context, rope->longer.context);
  return context;
}

void choose_default_context(PlanDraft& draft, std::int64_t trained) {
  draft.plan.options.context = std::min({trained, kDefaultContext, context_of_one_rotation(draft.graph)});
}

bool is_router(const PlanDraft& draft, const Node& linear) {
  return std::any_of(draft.graph.nodes.begin(), draft.graph.nodes.end(), [&](const Node& node) {
    return node.op == Op::route && node.inputs[0] == linear.output;
  });
}

// Embedding, head and routers stay as they are stored: they are few, or much depends on them.
bool is_quantised_on_load(const PlanDraft& draft, const Node& node) {
  return node.op != Op::linear || !(node.linear.last_row_only || is_router(draft, node));
}

std::vector<LinearPart> matrices_of(const Node& node) {
  if (node.op == Op::linear) return node.linear.parts;
  if (node.op != Op::expert_gates) return {};
  const Expert& expert = node.experts.experts.front();
  return {expert.gate, expert.up, expert.down};
}

// Of the layers' matrices, in the order of their first appearance.
std::vector<kernels::WeightFormat> formats_of_layers(const PlanDraft& draft) {
  std::vector<kernels::WeightFormat> formats;
  for (const Node& node : draft.graph.nodes) {
    if (!is_quantised_on_load(draft, node)) continue;
    for (const LinearPart& part : matrices_of(node)) {
      const kernels::WeightFormat format = format_of(draft, node, part);
      if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
    }
  }
  return formats;
}

// Matrices that have codes, but none that int8 products can have.
void remark_on_fractions(PlanDraft& draft, const std::vector<kernels::WeightFormat>& formats) {
  for (const kernels::WeightFormat& format : formats)
    if (format.has_codes() && !format.is_integer())
      draft.plan.remarks.push_back(fmt::format(
          "{} weights are multiplied in f32: int8 compute is for integers; --weights int8 or int4 "
          "makes them such",
          to_text(format)));
}

// What is fastest for the weights: int8 where some are integers, bf16 where all are that and the CPU multiplies it. On
// tiles, products of bf16 need no conversion at each group's end: prompts take half as long as in int8.
ComputeType fastest_compute(const jit::Target& target, const std::vector<kernels::WeightFormat>& formats) {
  if (std::any_of(formats.begin(), formats.end(), [](const auto& format) { return format.is_integer(); }))
    return target.has(jit::Feature::amx_bf16) ? ComputeType::int8_bf16 : ComputeType::int8;
  const bool all_bf16 = std::all_of(formats.begin(), formats.end(), [](const auto& format) {
    return format.kind == kernels::WeightKind::bf16;
  });
  return all_bf16 && kernels::computes(target, kernels::Activation::bf16) ? ComputeType::bf16
                                                                          : ComputeType::f32;
}

// Rounded activations are for models that are bound by memory or multipliers. One that stays in the caches gains nothing
// a person would notice, so it is computed exactly.
ComputeType automatic_compute(PlanDraft& draft) {
  const std::vector<kernels::WeightFormat> formats = formats_of_layers(draft);
  remark_on_fractions(draft, formats);
  const ComputeType fastest = fastest_compute(draft.plan.target, formats);
  if (fastest == ComputeType::f32) return fastest;
  std::uint64_t bytes = 0;
  for (const TensorDescription& tensor : draft.model.tensors) bytes += tensor.bytes;
  if (bytes >= kSmallModelBytes) return fastest;
  draft.plan.remarks.push_back(
      fmt::format("compute is f32: {} bytes of weights stay in the caches; --compute {} "
                  "rounds activations and is meant for larger models",
                  bytes, to_text(fastest)));
  return ComputeType::f32;
}

// Integers are what int8 compute is for. Where only some of the layers' weights are such, as in files that leave the
// layers unquantised that would suffer most, the others are multiplied in f32.
void check_integers(PlanDraft& draft, const std::vector<kernels::WeightFormat>& formats) {
  const std::string compute = to_text(draft.plan.options.compute);
  const auto is_integer = [](const kernels::WeightFormat& format) { return format.is_integer(); };
  if (!formats.empty() && std::none_of(formats.begin(), formats.end(), is_integer))
    fail("{}: --compute {} needs integer weights, {} are none: use --compute f32, or --weights int8 or int4",
         draft.model.path, compute, to_text(formats.front()));
  for (const kernels::WeightFormat& format : formats)
    if (!format.is_integer())
      draft.plan.notes.push_back(fmt::format(
          "--compute {} multiplies {} weights in f32: they are no integers, --weights int8 or int4 "
          "makes them such",
          compute, to_text(format)));
}

bool rounds_to_int8(ComputeType compute) {
  return compute == ComputeType::int8 || compute == ComputeType::int8_row ||
         compute == ComputeType::int8_bf16;
}

}  // namespace

void choose_context(PlanDraft& draft, std::int64_t trained) {
  PlanOptions& options = draft.plan.options;
  if (options.context == 0) choose_default_context(draft, trained);
  if (options.context < 1) fail("context {}: must be at least 1", options.context);
  if (options.chunk < 1) fail("chunk {}: must be at least 1", options.chunk);
  if (options.context > trained)
    draft.plan.notes.push_back(
        fmt::format("context {} is longer than the {} the model was trained for", options.context, trained));
  options.chunk = std::min(options.chunk, options.context);
}

void choose_types(PlanDraft& draft) {
  PlanOptions& options = draft.plan.options;
  if (rounds_to_int8(options.compute)) check_integers(draft, formats_of_layers(draft));
  if (options.compute == ComputeType::automatic) options.compute = automatic_compute(draft);
  if (options.kv == KvType::automatic)
    options.kv = options.compute == ComputeType::f32 ? KvType::f32 : KvType::bf16;
  if (options.compute == ComputeType::f16 && !kernels::computes(draft.plan.target, kernels::Activation::f16))
    fail("--compute f16: target '{}' has no avx512fp16: use --compute bf16 or f32, which are no less exact",
         draft.plan.target.name);
  if (options.compute == ComputeType::bf16 &&
      !kernels::computes(draft.plan.target, kernels::Activation::bf16)) {
    draft.plan.notes.push_back(fmt::format(
        "--compute bf16 runs as f32: target '{}' has no instructions for bf16", draft.plan.target.name));
    options.compute = ComputeType::f32;
  }
  if (options.compute == ComputeType::int8_bf16 &&
      !kernels::computes(draft.plan.target, kernels::Activation::bf16)) {
    draft.plan.notes.push_back(
        fmt::format("--compute int8-bf16 runs as int8: target '{}' has no instructions for bf16",
                    draft.plan.target.name));
    options.compute = ComputeType::int8;
  }
}

kernels::WeightFormat stored_format(const PlanDraft& draft, const std::string& tensor) {
  return draft.tensor(tensor).natural_format();
}

kernels::WeightFormat format_of(const PlanDraft& draft, const Node& node, const LinearPart& part) {
  const std::optional<kernels::WeightFormat>& wanted = draft.plan.options.weights;
  return wanted && is_quantised_on_load(draft, node) ? *wanted : stored_format(draft, part.weight);
}

kernels::WeightFormat common_format(const PlanDraft& draft, const Node& node,
                                    const std::vector<const LinearPart*>& parts) {
  const kernels::WeightFormat format = format_of(draft, node, *parts[0]);
  const bool same = std::all_of(parts.begin(), parts.end(), [&](const LinearPart* part) {
    return format_of(draft, node, *part) == format;
  });
  return same ? format : kernels::WeightFormat::float_format(kernels::WeightKind::f32);
}

std::vector<const LinearPart*> expert_parts(const Node& node,
                                            std::initializer_list<LinearPart Expert::*> which) {
  std::vector<const LinearPart*> parts;
  for (const Expert& expert : node.experts.experts)
    for (LinearPart Expert::*part : which) parts.push_back(&(expert.*part));
  return parts;
}

std::int64_t expert_width(const PlanDraft& draft, const Node& node) {
  const std::int64_t width = node.experts.experts.front().gate.outputs;
  const kernels::WeightFormat down = common_format(draft, node, expert_parts(node, {&Expert::down}));
  const std::int64_t read = kernels::activation_rows(kernels::Activation::f32, width, down).padded;
  return round_up(std::max(width, read), kernels::kBlockColumns);
}

kernels::Activation activation_for(const PlanDraft& draft, const kernels::WeightFormat& format,
                                   kernels::GemmRegime regime) {
  const ComputeType compute = draft.plan.options.compute;
  if (compute == ComputeType::int8_bf16 && format.is_integer())
    return regime == kernels::GemmRegime::tiles ? kernels::Activation::bf16 : kernels::Activation::s8;
  if (compute == ComputeType::int8 && format.is_integer()) return kernels::Activation::s8;
  if (compute == ComputeType::int8_row && format.is_integer()) return kernels::Activation::s8row;
  if (compute == ComputeType::bf16 && regime == kernels::GemmRegime::tiles) return kernels::Activation::bf16;
  if (compute == ComputeType::f16 && regime == kernels::GemmRegime::tiles) return kernels::Activation::f16;
  return kernels::Activation::f32;
}

kernels::ActivationRows rows_for(const PlanDraft& draft, const PackedMatrix& matrix,
                                 kernels::GemmRegime regime) {
  return kernels::activation_rows(activation_for(draft, matrix.format, regime), matrix.shape.inputs,
                                  matrix.format);
}

}  // namespace burin::graph
