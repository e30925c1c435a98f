#include "graph/roofline.hpp"

#include <algorithm>

namespace burin::graph {
namespace {

// Positions that rows of the load look at, together: row r sees position + r + 1, or its window.
double positions_seen(const kernels::AttentionSpec& spec, const Load& load) {
  double seen = 0;
  for (std::int64_t row = 0; row < load.rows; ++row) {
    const std::int64_t before = load.position + row + 1;
    seen += static_cast<double>(spec.window > 0 ? std::min(before, spec.window) : before);
  }
  return seen;
}

struct Work {
  double macs = 0;
  double peak = 0;  // multiply-adds per second of the kind they are
};

Work work_of(const Step& step, const Load& load, const MachineLimits& limits) {
  if (const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec)) {
    const auto columns = static_cast<double>((step.last_block - step.first_block) * kernels::kBlockColumns);
    const auto rows = static_cast<double>(load.rows * std::max<std::int64_t>(step.used, 1) *
                                          (step.head_outputs > 0 ? step.query_heads : 1));
    return {rows * static_cast<double>(gemm->inputs) * columns, peak_of(gemm->activation, limits)};
  }
  if (const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec)) {
    const kernels::AttentionProducts products = kernels::attention_products(*attention);
    return {products.macs * attention->heads.query_heads * positions_seen(*attention, load),
            peak_of(products.type, limits)};
  }
  return {};
}

// The cache's positions that any row looks at.
std::int64_t positions_read(const Step& step, const Load& load) {
  const std::int64_t end = load.position + load.rows;
  const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec);
  return attention == nullptr || attention->window == 0 ? end
                                                        : std::min(end, attention->window + load.rows - 1);
}

// How often the weights of one row are read: embeddings for every row; those of experts until they are all of them.
std::uint64_t weight_reads(const Plan& plan, const Step& step, const Load& load) {
  if (std::holds_alternative<kernels::EmbedSpec>(step.spec)) return static_cast<std::uint64_t>(load.rows);
  if (step.used == 0 || step.matrix < 0) return 1;
  const std::int64_t experts = plan.matrices[static_cast<std::size_t>(step.matrix)].experts;
  return static_cast<std::uint64_t>(std::min(load.rows, (experts + step.used - 1) / step.used));
}

// Of one position, for all KV heads.
std::uint64_t stored_in_cache(const Step& step) {
  const auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec);
  if (const auto* latent =
          std::get_if<kernels::LatentSpec>(&step.spec))  // the steps that make the row norm it
    return step.norm < 0 ? 0 : static_cast<std::uint64_t>(latent->heads.kv_block_bytes() / kernels::kKvBlock);
  const auto* heads = std::get_if<kernels::HeadsSpec>(&step.spec);
  if (heads == nullptr && (gemm == nullptr || gemm->epilogue != kernels::GemmEpilogue::rope_kv)) return 0;
  const kernels::HeadLayout& layout = heads != nullptr ? heads->heads : gemm->heads;
  return static_cast<std::uint64_t>(layout.kv_heads * layout.kv_block_bytes() / kernels::kKvBlock);
}

void count_bytes(StepEstimate& result, const Plan& plan, const Step& step, const Load& load) {
  const auto rows = static_cast<std::uint64_t>(load.rows);
  const StepTraffic rows_only = traffic_of(plan, step, 0);
  const StepTraffic with_cache = traffic_of(plan, step, positions_read(step, load));
  result.weights = rows_only.weights * weight_reads(plan, step, load);
  result.cache_read = with_cache.read - rows_only.read;
  result.cache_written = stored_in_cache(step) * rows;
  result.read = rows_only.read * rows + result.cache_read;
  result.written = rows_only.written * rows + result.cache_written;
}

StepEstimate estimate_step(const Plan& plan, const Step& step, const Load& load, const MachineLimits& limits,
                           bool threads_meet) {
  StepEstimate result;
  count_bytes(result, plan, step, load);
  const Work work = work_of(step, load, limits);
  result.macs = work.macs;
  const double moving = static_cast<double>(result.bytes()) / limits.read_bytes_per_second;
  const double computing = work.macs > 0 ? work.macs / work.peak : 0;
  const double waiting = threads_meet ? limits.barrier_seconds : 0;
  result.seconds = std::max(moving, computing) + waiting;
  result.bound = computing > moving ? Bound::arithmetic : Bound::memory;
  if (waiting > std::max(moving, computing)) result.bound = Bound::barrier;
  return result;
}

}  // namespace

double peak_of(kernels::Activation activation, const MachineLimits& limits) {
  switch (activation) {
    case kernels::Activation::s8:
    case kernels::Activation::s8row: return limits.int8_macs_per_second;
    case kernels::Activation::bf16: return limits.bf16_macs_per_second;
    case kernels::Activation::f16: return limits.f16_macs_per_second;
    case kernels::Activation::f32: return limits.f32_macs_per_second;
  }
  return limits.f32_macs_per_second;
}

std::string_view name_of(Bound bound) {
  switch (bound) {
    case Bound::memory: return "memory";
    case Bound::arithmetic: return "arithmetic";
    case Bound::barrier: return "barrier";
  }
  return "?";
}

StepEstimate estimate(const Plan& plan, const Step& step, const Load& load, const MachineLimits& limits) {
  return estimate_step(plan, step, load, limits, step.barrier);
}

ProgramEstimate estimate(const Plan& plan, const Program& program, const Load& load,
                         const MachineLimits& limits) {
  ProgramEstimate result;
  for (const Step& step : program) {
    const bool at_end = &step == &program.back();
    result.steps.push_back(estimate_step(plan, step, load, limits, step.barrier || at_end));
    result.seconds += result.steps.back().seconds;
  }
  return result;
}

PlanEstimate estimate(const Plan& plan, const MachineLimits& limits) {
  PlanEstimate result;
  result.limits = limits;
  result.decode_load = {1, plan.options.context - 1};
  result.few_load = {plan.few_rows, plan.options.context - plan.few_rows};
  result.prefill_load = {plan.options.chunk, 0};
  result.head_many_load = {plan.head_rows, 0};
  result.decode = estimate(plan, plan.decode, result.decode_load, limits);
  result.head_one = estimate(plan, plan.head_one, result.decode_load, limits);
  if (!plan.few.empty()) result.few = estimate(plan, plan.few, result.few_load, limits);
  result.prefill = estimate(plan, plan.prefill, result.prefill_load, limits);
  result.head_many = estimate(plan, plan.head_many, result.head_many_load, limits);
  return result;
}

}  // namespace burin::graph
