#include "graph/planner/buffer_planner.hpp"

#include <algorithm>

#include "graph/planner/choices.hpp"

namespace burin::graph {
namespace {

constexpr std::int64_t kHeadRows = 32;

// Floats per row that a node's kernel writes: whole column blocks.
std::int64_t written_width(const PlanDraft& draft, const MatrixTable& matrices, const Node& node) {
  const std::int64_t query_columns = std::int64_t{draft.plan.heads.query_blocks()} * kernels::kBlockColumns;
  switch (node.op) {
    case Op::embed: return draft.matrix(matrices.embeddings.at(node.name)).shape.padded_inputs;
    case Op::heads:
    case Op::latent: return query_columns;
    case Op::attention: return std::int64_t{draft.plan.heads.query_heads} * draft.plan.heads.value_width();
    case Op::route: return round_up(2 * node.route.used, kernels::kBlockColumns);
    case Op::expert_gates: return node.experts.used * expert_width(draft, node);
    case Op::linear:
      if (node.linear.epilogue == LinearEpilogue::gate) return matrices.columns(node) / 2;
      if (node.linear.epilogue == LinearEpilogue::rope_kv) return query_columns;
      return matrices.columns(node);
    default: return round_up(draft.graph.width(node.output), kernels::kBlockColumns);
  }
}

// Floats per row that the maker writes or a reader reads.
std::int64_t row_width(const PlanDraft& draft, const MatrixTable& matrices, const Node& maker) {
  std::int64_t width = written_width(draft, matrices, maker);
  for (const Node& node : draft.graph.nodes) {
    if (node.inputs.empty() || node.inputs[0] != maker.output) continue;
    if (node.op == Op::expert_gates)
      width = std::max(
          width,
          rows_for(draft, draft.matrix(matrices.experts.at(node.name)), kernels::GemmRegime::tiles).padded);
    if (node.op != Op::linear) continue;
    for (const MatrixSegment& segment : matrices.of(node))
      width =
          std::max(width, rows_for(draft, draft.matrix(segment.matrix), kernels::GemmRegime::tiles).padded);
  }
  return round_up(width, kernels::kBlockColumns);
}

}  // namespace

std::map<ValueId, int> plan_buffers(PlanDraft& draft, const MatrixTable& matrices) {
  std::map<ValueId, RowExtent> extents;
  for (const Node& node : draft.graph.nodes)
    extents[node.output] = {row_width(draft, matrices, node), written_width(draft, matrices, node)};
  Arena arena = assign_arena(draft.graph, extents, draft.plan.options.chunk, kHeadRows);
  draft.plan.buffers = std::move(arena.buffers);
  draft.plan.arena_bytes = arena.bytes;
  draft.plan.logits = arena.buffer_of.at(draft.graph.logits);
  draft.plan.head_rows = kHeadRows;
  return std::move(arena.buffer_of);
}

}  // namespace burin::graph
