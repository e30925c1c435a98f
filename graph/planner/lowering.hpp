// Lowers nodes to steps: which kernel computes a node for one row, and which for many.
//
// Each kind of node has a file of its own, lower_*.cpp; what it needs of the others is here.
#pragma once

#include <map>

#include "graph/planner/matrix_planner.hpp"
#include "graph/planner/plan_draft.hpp"
#include "graph/planner/vector_table.hpp"

namespace burin::graph {

class Lowering {
 public:
  // `buffer_of` has every value of the graph.
  Lowering(PlanDraft& draft, const MatrixTable& matrices, const std::map<ValueId, int>& buffer_of)
      : draft_(draft), matrices_(matrices), buffer_of_(buffer_of), vectors_(draft) {}

  // Fills the plan's programs. Their barriers are not placed yet.
  void lower();

 private:
  void lower_embed(const Node& node);
  void lower_linear(const Node& node);
  void lower_heads(const Node& node);
  void lower_attention(const Node& node);
  void lower_latent(const Node& node);
  void lower_values(const Node& node);
  void lower_rowwise(const Node& node);
  void lower_route(const Node& node);
  void lower_expert_gates(const Node& node);
  void lower_expert_sums(const Node& node);

  // A step with the node's name, buffers and layer.
  Step step_of(const Node& node) const;
  int buffer_of(ValueId value) const { return buffer_of_.at(value); }
  int rope_index(const RopeAttributes& rope) const;
  // Of rows of the buffer `input`; -1 for -1.
  int order_index(int order, int input);
  // Programs that the step belongs to: a model's layers, or its head.
  void add_for_one_row(Step step);
  void add_for_many_rows(Step step);
  void add_for_any_rows(const Step& step);

  // lower_latent.cpp
  void lower_latent_row(const Node& node, kernels::LatentSpec spec);
  void lower_rotated_queries(const Node& node, kernels::LatentSpec spec);
  void lower_by_heads(const Node& node, Step step);

  // lower_linear.cpp
  kernels::GemmSpec gemm_spec(const Node& node, const Step& step, kernels::GemmRegime regime) const;
  void lower_tiles(const Node& node, const Step& gemm);
  bool is_small_router(const Node& node) const;
  Step with_split_for_one_row(const Node& node, Step step) const;
  const Node* latent_of_queries(const Node& node) const;
  void split_by_query_heads(const LatentAttributes& latent, Step& step) const;
  // `rows_per_row` prepared rows for each row.
  void reserve_prepared(const PackedMatrix& matrix, std::int64_t rows_per_row);

  // lower_experts.cpp
  Step expert_step(const Node& node) const;
  kernels::GemmSpec expert_gemm(const Node& node, const Step& step, kernels::GemmRegime regime) const;
  void lower_expert_tiles(const Node& node, const Step& gemm);

  PlanDraft& draft_;
  const MatrixTable& matrices_;
  const std::map<ValueId, int>& buffer_of_;
  VectorTable vectors_;
  int layer_ = -1;  // whose steps are being made: each begins with its QKV node
  bool in_head_ = false;
};

kernels::RowNorm kernel_norm(NormKind kind);

}  // namespace burin::graph
