#include "runtime/workspace.hpp"

#include <algorithm>

#include "runtime/binding.hpp"
#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

using graph::Plan;

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::size_t attention_scratch_bytes(const Plan& plan) {
  std::size_t bytes = 0;
  for (const graph::Program* program : plan.programs())
    for (const graph::Step& step : *program)
      if (const auto* spec = std::get_if<kernels::AttentionSpec>(&step.spec))
        bytes = std::max(bytes, kernels::attention_scratch_bytes(*spec));
  return bytes;
}

// Of the GEMM that needs most: one runs at a time, and no attention with it.
std::size_t gemm_scratch_bytes(const Plan& plan) {
  std::size_t bytes = 0;
  for (const graph::Program* program : plan.programs())
    for (const graph::Step& step : *program)
      if (const auto* spec = std::get_if<kernels::GemmSpec>(&step.spec))
        bytes = std::max(bytes, kernels::gemm_scratch_bytes(*spec, plan.target));
  return bytes;
}

// Parts of all groups of query heads that one call takes.
std::size_t head_calls(const Plan& plan) {
  std::int64_t cuts = 1;
  for (const graph::Step& step : plan.decode)
    if (const auto* spec = std::get_if<kernels::AttentionSpec>(&step.spec))
      cuts = std::max(cuts, round_up_quotient(plan.heads.group(), kernels::attention_heads_per_call(*spec)));
  return static_cast<std::size_t>(plan.heads.kv_heads * cuts);
}

ExpertRows room_for_experts(const Plan& plan) {
  std::int64_t experts = 0;
  std::int64_t used = 0;
  for (const graph::Step& step : plan.prefill) {
    used = std::max(used, step.used);
    if (step.used > 0 && step.matrix >= 0)
      experts = std::max(experts, plan.matrices[static_cast<std::size_t>(step.matrix)].experts);
  }
  return {experts, used * plan.options.chunk};
}

std::size_t ordered_row_bytes(const Plan& plan) {
  std::size_t bytes = 0;
  for (const std::vector<std::int32_t>& order : plan.orders)
    bytes = std::max(bytes, order.size() * sizeof(float));
  return bytes;
}

// Of the layer that needs most, for the query heads of one call.
std::size_t head_parts_bytes(const Plan& plan) {
  std::size_t bytes = 0;
  for (const graph::Step& step : plan.decode) {
    const auto* spec = std::get_if<kernels::AttentionSpec>(&step.spec);
    if (spec == nullptr || step.part_keys == 0) continue;
    const std::int64_t parts = round_up_quotient(plan.options.context, step.part_keys);
    bytes = std::max(bytes, kernels::attention_part_bytes(*spec) * static_cast<std::size_t>(parts));
  }
  return bytes;
}

}  // namespace

Workspace::Workspace(const Plan& plan, int threads, std::int64_t keep)
    : kv(plan, keep),
      tokens(static_cast<std::size_t>(plan.options.chunk)),
      positions(static_cast<std::size_t>(plan.options.chunk)),
      rotations(plan.ropes.size(),
                std::vector<float>(static_cast<std::size_t>(plan.options.chunk * plan.heads.rotation_row()))),
      query_factors(plan.log_context > 0 ? static_cast<std::size_t>(plan.options.chunk) : 0),
      finished_parts(head_calls(plan)),
      taken_pieces(static_cast<std::size_t>(threads)),
      places_(kv.rings().size(), std::vector<kernels::KvPlace>(static_cast<std::size_t>(plan.options.chunk))),
      arena_(plan.arena_bytes, "activations"),
      prepared_(plan.prepared_bytes, "prepared rows"),
      expert_rows_(static_cast<std::size_t>(threads), room_for_experts(plan)),
      prepared_row_bytes_(round_up(plan.prepared_row_bytes, 64)),
      own_row_bytes_(round_up(plan.thread_bytes, 64)),
      ordered_row_bytes_(round_up(ordered_row_bytes(plan), 64)),
      scratch_bytes_(round_up(prepared_row_bytes_ + own_row_bytes_ + ordered_row_bytes_ +
                                  std::max(attention_scratch_bytes(plan), gemm_scratch_bytes(plan)),
                              4096)),
      head_parts_bytes_(head_parts_bytes(plan)) {
  sequences_.reserve(static_cast<std::size_t>(plan.options.chunk));
  parts_ = HugeBuffer(head_parts_bytes_ * finished_parts.size(), "parts of attention");
  scratch_ = HugeBuffer(scratch_bytes_ * static_cast<std::size_t>(threads), "thread scratch");
}

void Workspace::add_sequence(const SequenceRows& rows) {
  sequences_.push_back(rows);
  for (std::size_t ring = 0; ring < places_.size(); ++ring)
    rows.kv->fill_places(
        ring, std::span(places_[ring])
                  .subspan(static_cast<std::size_t>(rows.first), static_cast<std::size_t>(rows.count)));
}

}  // namespace burin::runtime
