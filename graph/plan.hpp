// What the planner decided: packed matrices, buffers, and the steps that a token loop walks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "graph/arena.hpp"
#include "graph/ir.hpp"
#include "graph/model_description.hpp"
#include "graph/passes/passes.hpp"
#include "graph/plan_options.hpp"
#include "jit/target.hpp"
#include "templates/formats/packing.hpp"
#include "templates/kernel_spec.hpp"

namespace burin::graph {

// A tensor whose rows, in runs of `inputs`, are the inputs of heads: columns are counted as
//   head * width of the tensor + place in its rows
struct HeadTranspose {
  int heads = 0;    // 0: not so
  MatrixView view;  // of input i of head h: row h * inputs + i

  bool operator==(const HeadTranspose&) const = default;
};

// A matrix in the layout of templates/formats/packing.hpp, made from rows of stored tensors. Those of experts are
// several of one shape, one after the other: the same columns of other tensors, or of other slices of them.
struct PackedMatrix {
  std::string name;
  kernels::WeightFormat format;
  kernels::PackedShape shape;          // of all together
  std::int64_t experts = 1;            // matrices in it; the lists of tensors are theirs in turn
  std::vector<std::size_t> tensors;    // indices into ModelDescription::tensors
  std::vector<std::ptrdiff_t> biases;  // per tensor: index of its bias, or -1
  std::vector<bool> transposed;        // per tensor: stored [inputs, rows]
  HeadTranspose by_head;               // of the only tensor
  bool unit_rows = false;              // rows of the only tensor are divided by their lengths
  std::vector<std::int64_t> slices;    // per tensor: which matrix of one stored [slices, ...], or kAllSlices
  std::vector<kernels::ColumnSource> columns;  // of one matrix; `matrix` is an index into its `tensors`

  bool has_bias() const;
  std::size_t expert_bytes() const { return shape.total_bytes / static_cast<std::size_t>(experts); }
};

// f32 values in the order a kernel wants them, with zeros between: elements of stored vectors plus `offset`, or
// constants.
struct PaddedVector {
  std::vector<std::size_t> tensors;           // indices into ModelDescription::tensors
  std::vector<kernels::ColumnSource> places;  // `matrix` is an index into `tensors`
  float offset = 0;
  std::vector<float> constants;  // where there are no tensors

  std::int64_t padded() const {
    return static_cast<std::int64_t>(tensors.empty() ? constants.size() : places.size());
  }
  bool operator==(const PaddedVector&) const = default;
};

using kernels::emit_kernel;
using kernels::kernel_name;
using kernels::KernelSpec;
using kernels::kind_of;

// How threads share a step's work.
enum class Split : std::uint8_t {
  rows,         // consecutive rows each
  blocks,       // consecutive column blocks each
  heads,        // consecutive KV heads each, with their query heads
  query_heads,  // consecutive query heads each
  on_demand,    // KV heads and rows as a thread comes free: work per item differs
  everything,   // every thread does all of it, on rows of its own
  experts,      // consecutive column blocks of the chosen experts each
};

struct Step {
  std::string name;    // graph node
  std::string kernel;  // canonical text of `spec`
  KernelSpec spec;
  int layer = -1;
  int matrix = -1;  // index into Plan::matrices
  int norm = -1;    // indices into Plan::vectors
  int norm_bias = -1;
  int slopes = -1;
  int sinks = -1;
  int rope = -1;   // index into Plan::ropes
  int order = -1;  // gemm of one row, prepare: index into Plan::orders; -1: inputs are as the buffer has them
  int input = -1;  // indices into Plan::buffers; prepare writes and tiles read the prepared rows
  int output = -1;
  int residual = -1;             // or the other operand
  int routes = -1;               // of experts: the buffer with what the router chose
  std::int64_t used = 0;         // likewise: experts per row
  bool by_position = false;      // embed: rows of positions, not of tokens
  std::int64_t first_block = 0;  // column blocks of the node that this step computes; matrix block 0 is
  std::int64_t last_block = 0;   // the first of them
  std::int64_t query_heads = 0;  // Split::query_heads: how many
  // Where rows are those of heads, each with matrix blocks of its own: floats from one head's inputs (outputs) to
  // the next one's. 0: not so.
  std::int64_t head_inputs = 0;
  std::int64_t head_outputs = 0;
  // Where heads share a matrix: the column block at which their rotated columns begin; those before are their plain ones.
  std::int64_t rotated_block = 0;
  std::int64_t first_input = 0;  // floats of the rows before what the step reads and writes; may be negative
  std::int64_t first_output = 0;
  float epsilon = 0;
  float scale = 0;
  float gate_slope = 0;        // of experts' clamped gates
  float constant = 0;          // soft cap, limit, or factor of a rowwise step
  float factor = 1;            // of sums and embedded rows
  std::int64_t part_keys = 0;  // attention: keys of each part that threads share out; 0: a head's are one's
  Split split = Split::blocks;
  bool barrier = false;  // all threads meet after it
};
using Program = std::vector<Step>;

struct Plan {
  std::string model;
  std::string architecture;
  jit::Target target;
  PlanOptions options;  // resolved: nothing automatic
  int layers = 0;
  std::int64_t vocabulary = 0;
  kernels::HeadLayout heads;
  std::vector<RopeAttributes> ropes;  // that differ; most models have one
  // Queries behind so many tokens grow by the logarithm of their number, in attention with AttentionSpec::factors. 0: none.
  std::int64_t log_context = 0;
  // Orders in which rows are gathered for matrices whose inputs were sorted: value i is value order[i] of the
  // buffer's row. As long as that.
  std::vector<std::vector<std::int32_t>> orders;

  std::vector<PackedMatrix> matrices;
  std::vector<PaddedVector> vectors;
  std::vector<Buffer> buffers;
  int logits = -1;             // buffer
  std::int64_t head_rows = 0;  // rows of the logits buffer

  // Rows up to the last layer's output: one, up to few_rows where those are not computed like many, up to options.chunk.
  Program decode;
  Program few;
  Program prefill;
  std::int64_t few_rows = 0;
  Program head_one;   // logits of one row
  Program head_many;  // logits of up to head_rows rows

  std::size_t arena_bytes = 0;
  std::size_t thread_bytes = 0;        // of each thread's own buffers
  std::size_t prepared_row_bytes = 0;  // longest prepared row
  std::size_t prepared_bytes = 0;      // of all prepared rows of a step
  std::size_t weight_bytes = 0;
  Trace trace;
  std::vector<std::string> notes;    // decisions a user should know: slower paths and their reasons
  std::vector<std::string> remarks;  // decisions worth knowing when one asks

  // The program of so many rows.
  const Program& layers_of(std::int64_t rows) const {
    return rows == 1 ? decode : rows <= few_rows ? few : prefill;
  }
  std::array<const Program*, 5> programs() const { return {&decode, &few, &prefill, &head_one, &head_many}; }

  // Of a layer that attends to the whole context.
  std::int64_t kv_bytes_per_layer() const {
    return (options.context + kernels::kKvBlock - 1) / kernels::kKvBlock * heads.layer_block_bytes();
  }
};

// Plans a model for a target. Throws burin::Error for what is not supported, naming what would work.
Plan make_plan(const ModelDescription& model, const jit::Target& target, const PlanOptions& options);

// Bytes a step reads and writes for one row (weights counted once, of the chosen experts only; attention at a full context of
// `positions`).
struct StepTraffic {
  std::uint64_t weights = 0;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};
StepTraffic traffic_of(const Plan& plan, const Step& step, std::int64_t positions);
int barriers_per_layer(const Plan& plan);  // of decode

std::string to_text(const Plan& plan);
nlohmann::json to_json(const Plan& plan);

}  // namespace burin::graph
