#include <algorithm>

#include "graph/planner/choices.hpp"
#include "graph/planner/heads.hpp"
#include "graph/planner/lowering.hpp"

namespace burin::graph {
namespace {

using kernels::GemmEpilogue;
using kernels::GemmRegime;
using kernels::RowNorm;

constexpr std::size_t kSmallRouterBytes = 1u << 20;

GemmEpilogue epilogue_of(const Node& node) {
  switch (node.linear.epilogue) {
    case LinearEpilogue::none:
    case LinearEpilogue::latent:
    case LinearEpilogue::qkv: return GemmEpilogue::store;
    case LinearEpilogue::activate: return GemmEpilogue::activate;
    case LinearEpilogue::add: return GemmEpilogue::add;
    case LinearEpilogue::gate: return GemmEpilogue::gate;
    case LinearEpilogue::rope_kv: return GemmEpilogue::rope_kv;
  }
  return GemmEpilogue::store;
}

RowNorm norm_of(const Node& node) {
  return node.linear.normed ? kernel_norm(node.linear.norm.kind) : RowNorm::none;
}

}  // namespace

// A step per run of columns with one format; for many rows, two.
void Lowering::lower_linear(const Node& node) {
  in_head_ = in_head_ || node.linear.last_row_only;
  const AttentionAttributes* attention = projected_heads(node);
  if (attention != nullptr) layer_ = attention->layer;
  Step step = step_of(node);
  if (attention != nullptr) step.rope = rope_index(attention->rope);
  if (node.linear.epilogue == LinearEpilogue::add) step.residual = buffer_of(node.inputs[1]);
  step.factor = node.linear.factor;
  for (const MatrixSegment& segment : matrices_.of(node)) {
    step.matrix = segment.matrix;
    step.order = order_index(segment.order, step.input);
    if (node.linear.normed) vectors_.set_norm(step, node.linear.norm, step.input);
    step.first_block = segment.first_block;
    step.last_block = segment.last_block;
    step.spec = gemm_spec(node, step, GemmRegime::stream);
    lower_tiles(node, step);
    add_for_one_row(with_split_for_one_row(node, step));
  }
}

Step Lowering::with_split_for_one_row(const Node& node, Step step) const {
  if (is_small_router(node)) step.split = Split::everything;
  if (const Node* user = latent_of_queries(node); user != nullptr) split_by_query_heads(user->latent, step);
  return step;
}

// The latent node that takes its queries, and nothing else, from this node.
const Node* Lowering::latent_of_queries(const Node& node) const {
  const auto takes = [&](const Node& user) {
    return user.op == Op::latent && user.inputs[0] == node.output && user.inputs[1] != node.output;
  };
  const auto user = std::find_if(draft_.graph.nodes.begin(), draft_.graph.nodes.end(), takes);
  return user == draft_.graph.nodes.end() ? nullptr : &*user;
}

// Each thread makes the queries of the heads that are its own in the steps that follow, so that threads need not meet.
// Columns are [plain part of each head][rotated part of each head], of one matrix.
void Lowering::split_by_query_heads(const LatentAttributes& latent, Step& step) const {
  step.split = Split::query_heads;
  step.query_heads = latent.attention.query_heads;
  step.rotated_block =
      step.query_heads * round_up(latent.plain_size(), kernels::kBlockColumns) / kernels::kBlockColumns;
}

// Many rows: prepared first, shared out by rows, then multiplied, shared out by columns.
void Lowering::lower_tiles(const Node& node, const Step& gemm) {
  const PackedMatrix& matrix = draft_.matrix(gemm.matrix);
  Step prepare = gemm;
  prepare.name += ".prepare";
  prepare.spec = kernels::PrepareSpec{matrix.shape.inputs, matrix.format,
                                      activation_for(draft_, matrix.format, GemmRegime::tiles), norm_of(node),
                                      draft_.buffer(gemm.input).width};
  prepare.split = Split::rows;
  prepare.matrix = prepare.output = prepare.residual = -1;
  add_for_many_rows(prepare);
  Step tiles = gemm;
  tiles.norm = tiles.norm_bias = tiles.order = -1;
  tiles.spec = gemm_spec(node, gemm, GemmRegime::tiles);
  add_for_many_rows(tiles);
  reserve_prepared(matrix, 1);
}

// Rows of matrices whose inputs were sorted by group (act-order) are put in that order before they are prepared,
// by the runtime and in memory of the thread, as cheap as to read them:
//
//   stream:   row of x  --gather-->  row of the thread  --kernel: norm, quantise, multiply-->
//   prepare:  likewise, row by row of the thread's share; tiles read what was prepared
//
// A norm's weights are in that order too, and its statistics are the same in any.
int Lowering::order_index(int order, int input) {
  if (order < 0) return -1;
  std::vector<std::int32_t> padded = draft_.model.orders[static_cast<std::size_t>(order)];
  const auto width = static_cast<std::size_t>(draft_.buffer(input).width);
  for (auto i = padded.size(); i < width; ++i) padded.push_back(static_cast<std::int32_t>(i));
  std::vector<std::vector<std::int32_t>>& orders = draft_.plan.orders;
  const auto known = std::find(orders.begin(), orders.end(), padded);
  const auto index = known - orders.begin();
  if (known == orders.end()) orders.push_back(std::move(padded));
  return static_cast<int>(index);
}

void Lowering::reserve_prepared(const PackedMatrix& matrix, std::int64_t rows_per_row) {
  Plan& plan = draft_.plan;
  const auto row_bytes = [&](GemmRegime regime) {
    return static_cast<std::size_t>(rows_for(draft_, matrix, regime).row_bytes);
  };
  const std::int64_t rows = std::max(plan.options.chunk * rows_per_row, plan.head_rows);
  plan.prepared_row_bytes = std::max(plan.prepared_row_bytes, row_bytes(GemmRegime::stream));
  plan.prepared_bytes =
      std::max(plan.prepared_bytes, row_bytes(GemmRegime::tiles) * static_cast<std::size_t>(rows));
}

// Each thread may compute all of it for itself: that is cheaper than to meet over it.
bool Lowering::is_small_router(const Node& node) const {
  const bool routes =
      std::any_of(draft_.graph.nodes.begin(), draft_.graph.nodes.end(),
                  [&](const Node& user) { return user.op == Op::route && user.inputs[0] == node.output; });
  if (!routes) return false;
  std::size_t bytes = 0;
  for (const MatrixSegment& segment : matrices_.of(node))
    bytes += draft_.matrix(segment.matrix).shape.total_bytes;
  return bytes <= kSmallRouterBytes;
}

kernels::GemmSpec Lowering::gemm_spec(const Node& node, const Step& step, GemmRegime regime) const {
  const PackedMatrix& matrix = draft_.matrix(step.matrix);
  kernels::GemmSpec spec;
  spec.inputs = matrix.shape.inputs;
  spec.columns = matrices_.columns(node);
  spec.weights = matrix.format;
  spec.activation = activation_for(draft_, matrix.format, regime);
  spec.regime = regime;
  spec.norm = regime == GemmRegime::stream ? norm_of(node) : RowNorm::none;
  spec.epilogue = epilogue_of(node);
  spec.function = node.linear.activation;
  spec.bias = matrix.has_bias();
  spec.scaled = node.linear.factor != 1;
  spec.output_stride = draft_.buffer(step.output).width;
  if (spec.epilogue == GemmEpilogue::rope_kv) spec.heads = draft_.plan.heads;
  return spec;
}

}  // namespace burin::graph
