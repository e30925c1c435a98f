#include "runtime/expert_steps.hpp"

#include <algorithm>

#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

kernels::GemmArguments arguments_of(const ExpertCall& call, std::int64_t expert, const Share& blocks) {
  kernels::GemmArguments arguments = call.arguments;
  arguments.weights += call.step.expert_bytes * static_cast<std::size_t>(expert);
  if (arguments.bias != nullptr) arguments.bias += call.step.expert_columns * expert;
  arguments.first_block = blocks.first;
  arguments.last_block = blocks.last;
  return arguments;
}

// Blocks whose work begins within `part`, where those of an expert begin at `begin`, `work` apart.
Share blocks_within(const Share& part, std::int64_t begin, std::int64_t work, std::int64_t blocks) {
  const auto at = [&](std::int64_t place) {
    return std::clamp<std::int64_t>((place - begin + work - 1) / work, 0, blocks);
  };
  return {part.first <= begin ? 0 : at(part.first), part.last <= begin ? 0 : at(part.last)};
}

}  // namespace

void expert_gates_of_row(const ExpertCall& call, const Routes& routes) {
  const std::int64_t blocks = call.step.last_block;
  const Share part = share_of(0, blocks * routes.used, call.thread, call.threads);
  for (std::int64_t choice = 0; choice < routes.used; ++choice) {
    const Share own = blocks_within(part, choice * blocks, 1, blocks);
    if (own.first == own.last) continue;
    kernels::GemmArguments arguments = arguments_of(call, routes.expert(0, choice), own);
    arguments.output += choice * call.step.expert_width;
    call.step.entry(&arguments);
  }
}

void expert_sums_of_row(const ExpertCall& call, const Routes& routes) {
  const Share own = share_of(0, call.step.last_block, call.thread, call.threads);
  if (own.first == own.last) return;
  for (std::int64_t choice = 0; choice < routes.used; ++choice) {
    kernels::GemmArguments arguments = arguments_of(call, routes.expert(0, choice), own);
    arguments.input += choice * call.step.expert_width;
    arguments.factors = routes.weight(0, choice);
    call.step.entry(&arguments);
  }
}

// A block costs as much as its expert has rows.
void expert_gates_of_rows(const ExpertCall& call, const ExpertRows& rows) {
  const std::int64_t blocks = call.step.last_block;
  const Share part = share_of(0, blocks * rows.places(), call.thread, call.threads);
  for (std::int64_t expert = 0; expert < rows.experts(); ++expert) {
    const std::int64_t first = rows.first_of(expert);
    const std::int64_t count = rows.count_of(expert);
    if (count == 0) continue;
    const Share own = blocks_within(part, first * blocks, count, blocks);
    if (own.first == own.last) continue;
    kernels::GemmArguments arguments = arguments_of(call, expert, own);
    arguments.activations += first * call.step.prepared_row_bytes;
    arguments.output += first * call.step.expert_width;
    arguments.rows = count;
    call.step.entry(&arguments);
  }
}

void expert_sums_of_rows(const ExpertCall& call, const ExpertRows& rows) {
  const Share own = share_of(0, call.step.last_block, call.thread, call.threads);
  if (own.first == own.last) return;
  for (std::int64_t expert = 0; expert < rows.experts(); ++expert) {
    const std::int64_t first = rows.first_of(expert);
    const std::int64_t count = rows.count_of(expert);
    if (count == 0) continue;
    kernels::GemmArguments arguments = arguments_of(call, expert, own);
    arguments.activations += first * call.step.prepared_row_bytes;
    arguments.factors = rows.weights() + first;
    arguments.output_rows = rows.rows() + first;
    arguments.rows = count;
    call.step.entry(&arguments);
  }
}

}  // namespace burin::runtime
