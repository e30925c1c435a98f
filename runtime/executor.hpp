// Walks the steps of a plan with kernels, weights and buffers bound once.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "graph/plan.hpp"
#include "jit/kernel_store.hpp"
#include "runtime/expert_rows.hpp"
#include "runtime/memory/huge_buffer.hpp"
#include "runtime/thread_pool.hpp"
#include "runtime/weights.hpp"

namespace burin::runtime {

// Rows of a buffer of the plan.
struct BoundRows {
  std::ptrdiff_t offset = 0;  // bytes from the start of the arena, or of the thread's own memory
  std::int64_t width = 0;     // floats per row
  bool per_thread = false;
  bool logits = false;  // which always begin at row 0, whichever rows they are of
};

// What a step needs at run time, resolved: nothing is looked up while tokens run.
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
  const float* slopes = nullptr;  // attention: of all query heads
  const float* sinks = nullptr;   // likewise
  BoundRows input;
  BoundRows output;
  BoundRows residual;
  std::int64_t first_block = 0;
  std::int64_t last_block = 0;
  std::int64_t prepared_row_bytes = 0;  // prepare, and tiles of heads and experts
  bool one_row = false;                 // gemm of the stream regime
  int rows_per_call = 1;                // attention
  int heads_per_call = 1;
  // Rows of heads, each with weights of its own: floats and bytes from one head to the next.
  std::int64_t head_inputs = 0;
  std::int64_t head_outputs = 0;  // 0: not so
  std::size_t head_weights = 0;
  std::int64_t part_keys = 0;  // attention of one row: see graph::Step
  std::size_t part_bytes = 0;
  float epsilon = 0;
  float scale = 0;
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
  std::size_t kind_number = 0;  // for step times
};

struct BoundPlan {
  std::vector<BoundStep> decode, prefill, head_one, head_many;
};

// Emits (once per store) and binds. The plan, weights and store must outlive the result.
BoundPlan bind(const graph::Plan& plan, const Weights& weights, jit::KernelStore& store);

inline constexpr std::string_view kStepKinds[] = {
    "embed",     "prepare", "gemm qkv", "gemm out", "gemm gate up", "gemm head", "gemm heads",
    "attention", "heads",   "latent",   "rowwise",  "route",        "experts"};
inline constexpr std::size_t kStepKindCount = std::size(kStepKinds);

// Buffers of one sequence. Everything is allocated here; running allocates nothing.
class Workspace {
 public:
  Workspace(const graph::Plan& plan, int threads);

  std::byte* arena() const { return arena_.data(); }
  std::byte* prepared() const { return prepared_.data(); }
  std::byte* scratch(int thread) const {
    return scratch_.data() + static_cast<std::size_t>(thread) * scratch_bytes_;
  }
  // Behind a prepared row at the scratch's start, and behind that.
  std::byte* own_rows(int thread) const { return scratch(thread) + prepared_row_bytes_; }
  std::byte* attention_scratch(int thread) const { return own_rows(thread) + own_row_bytes_; }
  ExpertRows& expert_rows(int thread) { return expert_rows_[static_cast<std::size_t>(thread)]; }
  std::byte* kv(int layer) const { return kv_.data() + static_cast<std::size_t>(layer) * kv_layer_bytes_; }

  std::vector<std::int32_t> tokens;           // of the chunk
  std::vector<std::int32_t> positions;        // of the chunk's rows
  std::vector<std::vector<float>> rotations;  // per Plan::ropes: rows of HeadLayout::rotation_row()
  std::vector<double> step_seconds;           // per kStepKinds
  bool measure = false;
  // Unfinished sums of the keys' parts, one behind the other, of the query heads that one call takes.
  std::byte* parts(std::int64_t call) const {
    return parts_.data() + static_cast<std::size_t>(call) * head_parts_bytes_;
  }
  std::vector<std::atomic<std::int64_t>> finished_parts;  // likewise

  std::atomic<std::int64_t> next_item{0};  // of the attention step that runs
  std::atomic<int> finished{0};            // threads that are through with it

 private:
  HugeBuffer arena_;
  HugeBuffer prepared_;
  HugeBuffer scratch_;
  HugeBuffer kv_;
  HugeBuffer parts_;
  std::vector<ExpertRows> expert_rows_;  // by thread
  std::size_t prepared_row_bytes_ = 0;
  std::size_t own_row_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
  std::size_t kv_layer_bytes_ = 0;
  std::size_t head_parts_bytes_ = 0;
};

struct Rows {
  std::int64_t first = 0;  // row of the buffers to start at
  std::int64_t count = 0;
  std::int64_t position = 0;  // of row 0 of the buffers
};

// Runs one program on all threads of the pool.
void run_program(const graph::Plan& plan, const std::vector<BoundStep>& program, Workspace& workspace,
                 ThreadPool& pool, const Rows& rows);

}  // namespace burin::runtime
