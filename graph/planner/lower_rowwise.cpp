#include "graph/planner/lowering.hpp"

namespace burin::graph {
namespace {

kernels::RowOperation row_operation(Op op) {
  switch (op) {
    case Op::norm: return kernels::RowOperation::norm;
    case Op::activation: return kernels::RowOperation::activate;
    case Op::multiply: return kernels::RowOperation::multiply;
    case Op::scale: return kernels::RowOperation::scale;
    case Op::clip: return kernels::RowOperation::clip;
    case Op::soft_cap: return kernels::RowOperation::soft_cap;
    default: return kernels::RowOperation::add;
  }
}

}  // namespace

// What no pass fused.
void Lowering::lower_rowwise(const Node& node) {
  Step step = step_of(node);
  step.split = Split::rows;
  if (node.inputs.size() > 1) step.residual = buffer_of(node.inputs[1]);
  step.constant = node.constant;
  kernels::RowwiseSpec spec;
  spec.operation = row_operation(node.op);
  if (node.op == Op::norm) {
    vectors_.set_norm(step, node.norm, step.input);
    spec.norm = kernel_norm(node.norm.kind);
  }
  if (node.op == Op::activation) spec.function = node.activation;
  spec.width = draft_.graph.width(node.output);
  spec.input_stride = draft_.buffer(step.input).width;
  spec.other_stride = step.residual < 0 ? 0 : draft_.buffer(step.residual).width;
  spec.output_stride = draft_.buffer(step.output).width;
  step.spec = spec;
  add_for_any_rows(step);
}

}  // namespace burin::graph
