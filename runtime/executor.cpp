#include "runtime/executor.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "runtime/attention_steps.hpp"
#include "runtime/expert_steps.hpp"
#include "runtime/head_steps.hpp"
#include "runtime/thread_view.hpp"

namespace burin::runtime {
namespace {

// Threads are late by milliseconds, where the system gives their CPU to somebody else; fewer rows take less.
constexpr std::int64_t kRowsToTakeOver = 32;
// Of a thread's blocks: a piece begins with weights that nobody has prefetched, so there are few.
constexpr std::int64_t kLeastPiece = 4;
constexpr std::int64_t kMostPieces = 8;

// One thread's walk through a program.
class Walker {
 public:
  Walker(const ThreadView& view, ThreadPool& pool) : v_(view), w_(view.workspace), pool_(pool) {}

  void walk(const std::vector<BoundStep>& program) {
    for (const BoundStep& step : program) {
      if (v_.thread == 0 && w_.measure)
        run_measured(step);
      else
        run(step);
    }
  }

 private:
  void run(const BoundStep& step) {
    switch (step.kind) {
      case BoundStep::Kind::embed: embed(step); break;
      case BoundStep::Kind::prepare: prepare(step); break;
      case BoundStep::Kind::gemm: gemm(step); break;
      case BoundStep::Kind::attention: run_attention(v_, step); break;
      case BoundStep::Kind::heads: run_heads(v_, step); break;
      case BoundStep::Kind::latent: run_latent(v_, step); break;
      case BoundStep::Kind::rowwise: rowwise(step); break;
      case BoundStep::Kind::route: route(step); break;
      case BoundStep::Kind::expert_gates: expert_gates(step); break;
      case BoundStep::Kind::expert_sums: expert_sums(step); break;
    }
    if (step.barrier && v_.threads > 1) pool_.barrier();
  }

  void run_measured(const BoundStep& step) {
    const auto begin = std::chrono::steady_clock::now();
    run(step);
    w_.step_seconds[step.group] +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  void embed(const BoundStep& step) const {
    const Share share = v_.own(0, v_.rows.count);
    const std::vector<std::int32_t>& ids = step.by_position ? w_.positions : w_.tokens;
    const kernels::EmbedArguments arguments = {step.weights, ids.data() + share.first,
                                               v_.row(step.output, share.first), share.last - share.first,
                                               step.factor};
    step.entry(&arguments);
  }

  // Of experts: rows are places. Each thread sorts them for itself, for the steps that follow too.
  void prepare(const BoundStep& step) {
    if (step.split == graph::Split::query_heads) return prepare_rows_of_heads(v_, step);
    const Share share = v_.own(0, v_.rows.count * std::max<std::int64_t>(step.used, 1));
    kernels::PrepareArguments arguments;
    if (step.gather) {
      w_.expert_rows(v_.thread).sort(routes(step), v_.rows.count);
      arguments.input = v_.row(step.input, 0);
      arguments.numbers = w_.expert_rows(v_.thread).rows() + share.first;
    } else {
      const std::int64_t stride = step.used > 0 ? step.expert_width : step.input.width;
      arguments.input = v_.row(step.input, 0) + share.first * stride;
    }
    arguments.output = w_.prepared() + share.first * step.prepared_row_bytes;
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.rows = share.last - share.first;
    arguments.epsilon = step.epsilon;
    if (step.order != nullptr) return prepare_in_order(step, arguments);
    step.entry(&arguments);
  }

  void prepare_in_order(const BoundStep& step, kernels::PrepareArguments arguments) const {
    const float* row = arguments.input;
    const std::int64_t rows = arguments.rows;
    arguments.rows = 1;
    for (std::int64_t i = 0; i < rows; ++i, row += step.input.width) {
      arguments.input = in_order(step, row);
      step.entry(&arguments);
      arguments.output += step.prepared_row_bytes;
    }
  }

  // The row, or its values in the step's order in memory of the thread.
  const float* in_order(const BoundStep& step, const float* row) const {
    if (step.order == nullptr) return row;
    float* ordered = w_.ordered_row(v_.thread);
    for (std::int64_t i = 0; i < step.input.width; ++i) ordered[i] = row[step.order[i]];
    return ordered;
  }

  void gemm(const BoundStep& step) const {
    if (step.head_outputs > 0) return multiply_rows_of_heads(v_, step);
    if (step.takes_over && v_.threads > 1 && v_.rows.count >= kRowsToTakeOver) return gemm_in_pieces(step);
    if (step.split == graph::Split::query_heads) {
      gemm_blocks(step, own_blocks_of_heads(step.first_block, step.rotated_block));
      gemm_blocks(step, own_blocks_of_heads(step.rotated_block, step.last_block));
    } else if (step.split == graph::Split::everything) {
      gemm_blocks(step, {step.first_block, step.last_block});
    } else {
      gemm_blocks(step, v_.own(step.first_block, step.last_block));
    }
  }

  // Its own blocks, and then what is left of the others'.
  void gemm_in_pieces(const BoundStep& step) const {
    for (int i = 0; i < v_.threads; ++i) {
      const int owner = (v_.thread + i) % v_.threads;
      const Share share = share_of(step.first_block, step.last_block, owner, v_.threads);
      const auto pieces = static_cast<int>(
          std::clamp<std::int64_t>((share.last - share.first) / kLeastPiece, 1, kMostPieces));
      std::atomic<std::int64_t>& taken = w_.taken_pieces[static_cast<std::size_t>(owner)].count;
      for (auto piece = taken.fetch_add(1); piece < pieces; piece = taken.fetch_add(1))
        gemm_blocks(step, share_of(share.first, share.last, static_cast<int>(piece), pieces));
    }
    if (!w_.is_last_through(v_.threads)) return;
    for (Workspace::TakenPieces& taken : w_.taken_pieces) taken.count.store(0);
  }

  // Of blocks that all query heads have equally many of.
  Share own_blocks_of_heads(std::int64_t first, std::int64_t last) const {
    const std::int64_t blocks_per_head = (last - first) / v_.plan.heads.query_heads;
    const Share heads = v_.own_query_heads();
    return {first + heads.first * blocks_per_head, first + heads.last * blocks_per_head};
  }

  void gemm_blocks(const BoundStep& step, const Share& blocks) const {
    if (blocks.first == blocks.last) return;
    kernels::GemmArguments arguments = gemm_arguments(step);
    arguments.first_block = blocks.first;
    arguments.last_block = blocks.last;
    step.entry(&arguments);
  }

  kernels::GemmArguments gemm_arguments(const BoundStep& step) const {
    kernels::GemmArguments arguments;
    arguments.weights = step.weights;
    arguments.activations = step.one_row ? w_.scratch(v_.thread) : w_.prepared();
    arguments.output = v_.row(step.output, 0);
    arguments.residual = v_.row(step.residual, 0);
    arguments.bias = step.bias;
    arguments.rows = v_.rows.count;
    arguments.input = in_order(step, v_.row(step.input, 0));
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.epsilon = step.epsilon;
    arguments.factor = step.factor;
    arguments.kv = v_.kv(step);
    arguments.limit = step.constant;
    arguments.slope = step.gate_slope;
    arguments.scratch = w_.gemm_scratch(v_.thread);
    return arguments;
  }

  Routes routes(const BoundStep& step) const {
    return {v_.row(step.routes, 0), step.routes.width, step.used};
  }

  void route(const BoundStep& step) const {
    const Share share = v_.own_rows(step);
    kernels::RouteArguments arguments;
    arguments.logits = v_.row(step.input, share.first);
    arguments.routes = v_.row(step.output, share.first);
    arguments.rows = share.last - share.first;
    arguments.scale = step.scale;
    step.entry(&arguments);
  }

  void expert_gates(const BoundStep& step) const {
    const ExpertCall call = {step, gemm_arguments(step), v_.thread, v_.threads};
    if (step.one_row)
      expert_gates_of_row(call, routes(step));
    else
      expert_gates_of_rows(call, w_.expert_rows(v_.thread));
  }

  void expert_sums(const BoundStep& step) const {
    const ExpertCall call = {step, gemm_arguments(step), v_.thread, v_.threads};
    if (step.one_row)
      expert_sums_of_row(call, routes(step));
    else
      expert_sums_of_rows(call, w_.expert_rows(v_.thread));
  }

  void rowwise(const BoundStep& step) const {
    const Share share = v_.own_rows(step);
    kernels::RowwiseArguments arguments;
    arguments.input = v_.row(step.input, share.first);
    arguments.other = v_.row(step.residual, share.first);
    arguments.output = v_.row(step.output, share.first);
    arguments.norm_weight = step.norm;
    arguments.norm_bias = step.norm_bias;
    arguments.rows = share.last - share.first;
    arguments.epsilon = step.epsilon;
    arguments.constant = step.constant;
    step.entry(&arguments);
  }

  const ThreadView v_;
  Workspace& w_;
  ThreadPool& pool_;
};

}  // namespace

void run_program(const graph::Plan& plan, const std::vector<BoundStep>& program, Workspace& workspace,
                 ThreadPool& pool, const Rows& rows) {
  pool.run([&](int thread) { Walker({plan, workspace, rows, thread, pool.size()}, pool).walk(program); });
}

}  // namespace burin::runtime
