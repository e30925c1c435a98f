// Mixtures of experts. One row:
//
//   router, route, gates     every thread routes the row for itself; the chosen experts' column blocks are shared out
//   | sums                   each thread its columns of all chosen experts, one expert after the other
//
// Many rows (runtime/expert_rows.hpp sorts them by expert):
//
//   | router | route         by columns, then by rows
//   | gates.prepare          every row once for each of its experts, in their order
//   | gates                  expert by expert
//   | sums.prepare | sums    each thread its columns: no two threads add to one output
//
// Either way outputs are summed in ascending order of experts.
#include "graph/planner/choices.hpp"
#include "graph/planner/lowering.hpp"

namespace burin::graph {

using kernels::GemmEpilogue;
using kernels::GemmRegime;

void Lowering::lower_route(const Node& node) {
  Step step = step_of(node);
  step.split = Split::rows;
  step.scale = node.route.scale;
  kernels::RouteSpec spec;
  spec.experts = draft_.graph.width(node.output);
  spec.used = node.route.used;
  spec.normalise = node.route.normalise;
  spec.groups = node.route.groups;
  spec.groups_used = node.route.groups_used;
  spec.input_stride = draft_.buffer(step.input).width;
  spec.output_stride = draft_.buffer(step.output).width;
  step.spec = spec;
  add_for_any_rows(step);
}

Step Lowering::expert_step(const Node& node) const {
  Step step = step_of(node);
  step.matrix = matrices_.experts.at(node.name);
  step.routes = buffer_of(node.inputs[1]);
  step.used = node.experts.used;
  step.last_block =
      static_cast<std::int64_t>(draft_.matrix(step.matrix).columns.size()) / kernels::kBlockColumns;
  return step;
}

void Lowering::lower_expert_gates(const Node& node) {
  Step step = expert_step(node);
  step.split = Split::experts;
  step.constant = node.experts.limit;
  step.gate_slope = node.experts.slope;
  if (node.experts.normed) vectors_.set_norm(step, node.experts.norm, step.input);
  step.spec = expert_gemm(node, step, GemmRegime::stream);
  add_for_one_row(step);
  lower_expert_tiles(node, step);
}

void Lowering::lower_expert_sums(const Node& node) {
  Step step = expert_step(node);
  step.spec = expert_gemm(node, step, GemmRegime::stream);
  add_for_one_row(step);
  lower_expert_tiles(node, step);
}

void Lowering::lower_expert_tiles(const Node& node, const Step& gemm) {
  const PackedMatrix& matrix = draft_.matrix(gemm.matrix);
  const bool gates = node.op == Op::expert_gates;
  kernels::PrepareSpec spec;
  spec.inputs = matrix.shape.inputs;
  spec.weights = matrix.format;
  spec.activation = activation_for(draft_, matrix.format, GemmRegime::tiles);
  spec.norm = std::get<kernels::GemmSpec>(gemm.spec).norm;
  spec.input_stride = draft_.buffer(gemm.input).width / (gates ? 1 : gemm.used);
  spec.gather = gates;
  Step prepare = gemm;
  prepare.name += ".prepare";
  prepare.spec = spec;
  prepare.split = Split::rows;
  prepare.matrix = prepare.output = -1;
  add_for_many_rows(prepare);
  Step tiles = gemm;
  tiles.norm = tiles.norm_bias = -1;
  tiles.spec = expert_gemm(node, gemm, GemmRegime::tiles);
  add_for_many_rows(tiles);
  reserve_prepared(matrix, gemm.used);
}

// Of one expert: calls displace what it works on.
kernels::GemmSpec Lowering::expert_gemm(const Node& node, const Step& step, GemmRegime regime) const {
  const PackedMatrix& matrix = draft_.matrix(step.matrix);
  const bool gates = node.op == Op::expert_gates;
  kernels::GemmSpec spec;
  spec.inputs = matrix.shape.inputs;
  spec.columns = static_cast<std::int64_t>(matrix.columns.size());
  spec.weights = matrix.format;
  spec.activation = activation_for(draft_, matrix.format, regime);
  spec.regime = regime;
  if (node.experts.normed && regime == GemmRegime::stream) spec.norm = kernel_norm(node.experts.norm.kind);
  spec.epilogue = GemmEpilogue::add_scaled;
  if (gates) spec.epilogue = node.experts.limit > 0 ? GemmEpilogue::clamped_gate : GemmEpilogue::gate;
  if (spec.epilogue == GemmEpilogue::gate) spec.function = node.experts.activation;
  spec.bias = matrix.has_bias();
  spec.output_stride = draft_.buffer(step.output).width / (gates ? step.used : 1);
  return spec;
}

}  // namespace burin::graph
