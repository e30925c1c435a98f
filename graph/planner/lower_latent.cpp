// Latent attention. One row, with and without a latent row of the queries:
//
//   q_kv            down                shared by column blocks
//   |               |
//   |               q                   by query heads
//   kv to cache     kv to cache         by every thread for itself
//   rotated q, keys absorbed into q     by query heads, and so are attention and values: a thread's heads stay
//   | attention     attention           with it
//   values          values
//   |               |
//
// Many rows: likewise, but attention takes heads and rows as threads come free.
#include "graph/planner/choices.hpp"
#include "graph/planner/lowering.hpp"

namespace burin::graph {

using kernels::GemmRegime;

void Lowering::lower_latent(const Node& node) {
  const LatentAttributes& latent = node.latent;
  kernels::LatentSpec spec;
  spec.heads = draft_.plan.heads;
  spec.norm = kernel_norm(latent.norm.kind);
  spec.latent = latent.attention.value_size;
  lower_latent_row(node, spec);
  lower_rotated_queries(node, spec);
  Step absorb = step_of(node);
  absorb.name += ".absorb";
  absorb.head_inputs = round_up(latent.plain_size(), kernels::kBlockColumns);
  absorb.head_outputs = spec.heads.head_size;
  absorb.first_output = spec.heads.head_size - spec.heads.value_size;
  lower_by_heads(node, absorb);
}

// The row's last columns are the rotated key and the latent row; calls count blocks from the queries' on.
void Lowering::lower_latent_row(const Node& node, kernels::LatentSpec spec) {
  Step step = step_of(node);
  step.name += ".kv";
  step.input = buffer_of(node.inputs[1]);
  step.output = -1;
  step.rope = rope_index(node.latent.attention.rope);
  step.first_block = spec.query_blocks();
  step.last_block = spec.blocks();
  step.first_input = matrices_.columns(*draft_.graph.producer(node.inputs[1])) -
                     std::int64_t{spec.first_value_block()} * kernels::kBlockColumns;
  vectors_.set_norm_of_part(step, node.latent.norm, spec.heads.value_size);
  spec.input_stride = draft_.buffer(step.input).width;
  spec.output_stride = draft_.buffer(buffer_of(node.output)).width;
  step.spec = spec;
  add_for_any_rows(step);
}

void Lowering::lower_rotated_queries(const Node& node, kernels::LatentSpec spec) {
  Step step = step_of(node);
  step.name += ".q";
  step.rope = rope_index(node.latent.attention.rope);
  step.last_block = spec.query_blocks();
  step.split = Split::query_heads;
  step.query_heads = spec.heads.query_heads;
  step.first_input = spec.heads.query_heads * round_up(node.latent.plain_size(), kernels::kBlockColumns);
  spec.input_stride = draft_.buffer(step.input).width;
  spec.output_stride = draft_.buffer(step.output).width;
  step.spec = spec;
  add_for_any_rows(step);
}

// A linear node's matrix, or the one of a latent node, is one of each head.
void Lowering::lower_by_heads(const Node& node, Step step) {
  const MatrixSegment& segment = matrices_.of(node).front();
  step.matrix = segment.matrix;
  step.last_block = segment.last_block / draft_.plan.heads.query_heads;
  step.split = Split::query_heads;
  step.query_heads = draft_.plan.heads.query_heads;
  const PackedMatrix& matrix = draft_.matrix(step.matrix);
  kernels::GemmSpec spec;
  spec.inputs = matrix.shape.inputs;
  spec.columns = step.last_block * kernels::kBlockColumns;
  spec.weights = matrix.format;
  spec.activation = activation_for(draft_, matrix.format, spec.regime);
  spec.output_stride = draft_.buffer(step.output).width;
  step.spec = spec;
  add_for_one_row(step);

  Step prepare = step;
  prepare.name += ".prepare";
  kernels::PrepareSpec rows;
  rows.inputs = spec.inputs;
  rows.weights = spec.weights;
  rows.activation = activation_for(draft_, matrix.format, GemmRegime::tiles);
  rows.input_stride = draft_.buffer(step.input).width;
  prepare.spec = rows;
  prepare.matrix = prepare.output = -1;
  add_for_many_rows(prepare);
  spec.regime = GemmRegime::tiles;
  spec.activation = rows.activation;
  step.spec = spec;
  add_for_many_rows(step);
  reserve_prepared(matrix, draft_.plan.heads.query_heads);
}

void Lowering::lower_values(const Node& node) {
  Step step = step_of(node);
  step.head_inputs = draft_.plan.heads.value_size;
  step.head_outputs = node.linear.parts[0].outputs / node.linear.heads;
  lower_by_heads(node, step);
}

}  // namespace burin::graph
