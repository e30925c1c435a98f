#include "graph/planner/lowering.hpp"

#include <algorithm>

namespace burin::graph {

kernels::RowNorm kernel_norm(NormKind kind) {
  return kind == NormKind::layer ? kernels::RowNorm::layer : kernels::RowNorm::rms;
}

void Lowering::lower() {
  for (const Node& node : draft_.graph.nodes) {
    switch (node.op) {
      case Op::embed: lower_embed(node); break;
      case Op::attention: lower_attention(node); break;
      case Op::linear: node.linear.heads > 0 ? lower_values(node) : lower_linear(node); break;
      case Op::latent: lower_latent(node); break;
      case Op::heads: lower_heads(node); break;
      case Op::route: lower_route(node); break;
      case Op::expert_gates: lower_expert_gates(node); break;
      case Op::expert_sums: lower_expert_sums(node); break;
      default: lower_rowwise(node);
    }
  }
}

Step Lowering::step_of(const Node& node) const {
  Step step;
  step.name = node.name;
  step.layer = in_head_ ? -1 : layer_;
  if (!node.inputs.empty()) step.input = buffer_of(node.inputs[0]);
  step.output = buffer_of(node.output);
  return step;
}

int Lowering::rope_index(const RopeAttributes& rope) const {
  const std::vector<RopeAttributes>& ropes = draft_.plan.ropes;
  return static_cast<int>(std::find(ropes.begin(), ropes.end(), rope) - ropes.begin());
}

void Lowering::add_for_one_row(Step step) {
  step.kernel = kernel_name(step.spec);
  (in_head_ ? draft_.plan.head_one : draft_.plan.decode).push_back(std::move(step));
}

void Lowering::add_for_many_rows(Step step) {
  step.kernel = kernel_name(step.spec);
  (in_head_ ? draft_.plan.head_many : draft_.plan.prefill).push_back(std::move(step));
}

void Lowering::add_for_any_rows(const Step& step) {
  add_for_one_row(step);
  add_for_many_rows(step);
}

void Lowering::lower_embed(const Node& node) {
  Step step = step_of(node);
  step.matrix = matrices_.embeddings.at(node.name);
  step.split = Split::rows;
  step.by_position = node.embed.index == EmbedIndex::position;
  step.factor = node.embed.factor;
  const PackedMatrix& table = draft_.matrix(step.matrix);
  step.spec = kernels::EmbedSpec{table.shape.inputs, table.shape.columns, table.format, step.factor != 1,
                                 draft_.buffer(step.output).width};
  add_for_any_rows(step);
}

}  // namespace burin::graph
