// The steps of a plan with everything they need at run time resolved: nothing is looked up while tokens run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/plan.hpp"
#include "graph/step_groups.hpp"
#include "jit/kernel_store.hpp"
#include "runtime/weights.hpp"

namespace burin::runtime {

// Rows of a buffer of the plan.
struct BoundRows {
  std::ptrdiff_t offset = 0;  // bytes from the start of the arena, or of the thread's own memory
  std::int64_t width = 0;     // floats per row
  bool per_thread = false;
  bool logits = false;  // which always begin at row 0, whichever rows they are of
};

// A step of the plan.
struct BoundStep {
  jit::KernelEntry entry = nullptr;
  enum class Kind : std::uint8_t {
    embed,
    prepare,
    gemm,
    attention,
    heads,
    latent,
    rowwise,
    route,
    expert_gates,
    expert_sums
  } kind = Kind::gemm;
  int layer = -1;
  const std::byte* weights = nullptr;  // displaced so that block numbers count from the node's first block
  const float* bias = nullptr;         // displaced likewise
  const float* norm = nullptr;
  const float* norm_bias = nullptr;
  const float* slopes = nullptr;        // attention: of all query heads
  const float* sinks = nullptr;         // likewise
  const std::int32_t* order = nullptr;  // gemm of one row, prepare: which values of the row, in which order
  BoundRows input;
  BoundRows output;
  BoundRows residual;
  std::int64_t first_block = 0;
  std::int64_t last_block = 0;
  std::int64_t prepared_row_bytes = 0;  // prepare, and tiles of heads and experts
  bool one_row = false;                 // gemm of the stream regime
  bool by_distance = false;             // attention: how far keys are matters, not only which there are
  int rows_per_call = 1;                // likewise
  int heads_per_call = 1;
  // Rows of heads, each with weights of its own: floats and bytes from one head to the next.
  std::int64_t head_inputs = 0;
  std::int64_t head_outputs = 0;  // 0: not so
  std::size_t head_weights = 0;
  std::int64_t rotated_block = 0;  // see graph::Step
  std::int64_t part_keys = 0;      // attention of one row: see graph::Step
  std::size_t part_bytes = 0;
  float epsilon = 0;
  float scale = 0;
  float gate_slope = 0;
  float constant = 0;
  float factor = 1;
  bool by_position = false;  // embed
  int rope = 0;              // which rotation table
  // Experts.
  BoundRows routes;
  std::int64_t used = 0;            // per row
  std::int64_t expert_width = 0;    // floats per row and expert between gates and sums
  std::size_t expert_bytes = 0;     // from one expert's weights to the next one's
  std::int64_t expert_columns = 0;  // likewise of its bias
  bool gather = false;              // prepare: rows in the order of experts
  graph::Split split = graph::Split::blocks;
  bool barrier = false;
  bool takes_over = false;  // gemm: threads that are done take over blocks of those that are late
  std::size_t group = 0;    // of BoundPlan::groups
};

struct BoundPlan {
  std::vector<BoundStep> decode, few, prefill, head_one, head_many;
  std::int64_t few_rows = 0;
  // Rows of several sequences, one each: few and many.
  std::vector<BoundStep> few_together, together;
  std::vector<graph::StepGroup> groups;  // whose times are measured

  // As graph::Plan::layers_of().
  const std::vector<BoundStep>& layers_of(std::int64_t rows) const {
    return rows == 1 ? decode : rows <= few_rows ? few : prefill;
  }
  const std::vector<BoundStep>& together_of(std::int64_t rows) const {
    return rows <= few_rows ? few_together : together;
  }
};

// Emits (once per store) and binds. The plan, weights and store must outlive the result.
BoundPlan bind(const graph::Plan& plan, const Weights& weights, jit::KernelStore& store);

}  // namespace burin::runtime
