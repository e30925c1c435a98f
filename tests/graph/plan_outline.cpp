#include "tests/graph/plan_outline.hpp"

#include <fmt/format.h>

#include "graph/layer_groups.hpp"
#include "graph/trace_groups.hpp"
#include "jit/spec_text.hpp"

namespace burin::graph {
namespace {

std::string_view name_of(Split split) {
  switch (split) {
    case Split::rows: return "by rows";
    case Split::blocks: return "by blocks";
    case Split::heads: return "by heads";
    case Split::query_heads: return "by query heads";
    case Split::on_demand: return "on demand";
    case Split::everything: return "each for itself";
    case Split::experts: return "by blocks of experts";
  }
  return "?";
}

// "b3" in the arena, "own b3" where every thread has one.
std::string buffer_text(const Plan& plan, int index) {
  return fmt::format("{}b{}", plan.buffers[static_cast<std::size_t>(index)].per_thread ? "own " : "", index);
}

std::string step_text(const Plan& plan, const Step& step) {
  std::string reads = step.input < 0 ? "" : buffer_text(plan, step.input);
  if (step.residual >= 0) reads += " + " + buffer_text(plan, step.residual);
  if (step.routes >= 0) reads += " by " + buffer_text(plan, step.routes);
  std::string text =
      fmt::format("    {}: {}{}{}, {}", name_in_layer(step.name).name, reads, reads.empty() ? "to " : " to ",
                  step.output < 0 ? "prepared rows" : buffer_text(plan, step.output), name_of(step.split));
  if (step.split == Split::blocks) text += fmt::format(" {}-{}", step.first_block, step.last_block);
  return text + fmt::format("{}\n      {}\n", step.barrier ? ", barrier" : "", step.kernel);
}

std::string program_text(const Plan& plan, std::string_view title, const Program& program) {
  std::string text = fmt::format("{}\n", title);
  for (const LayerGroup& group : group_layers(program)) {
    text += fmt::format("  {}\n", title_of(group));
    for (const std::size_t index : group.steps) text += step_text(plan, program[index]);
  }
  return text;
}

}  // namespace

std::string outline(const Plan& plan) {
  std::string text = fmt::format(
      "{} layers, compute {}, KV {}, context {}, chunks of {}\narena {}, a thread's own rows {}, {} "
      "barriers per layer\n",
      plan.layers, to_text(plan.options.compute), to_text(plan.options.kv), plan.options.context,
      plan.options.chunk, plan.arena_bytes, plan.thread_bytes, barriers_per_layer(plan));
  for (const std::string& note : plan.notes) text += "note: " + note + "\n";
  text += "buffers\n";
  for (std::size_t i = 0; i < plan.buffers.size(); ++i)
    text += fmt::format("  b{}: {} rows of {} at {}\n", i, plan.buffers[i].rows, plan.buffers[i].width,
                        plan.buffers[i].offset);
  text += program_text(plan, "decode", plan.decode) + program_text(plan, "head of one row", plan.head_one);
  text += program_text(plan, "prefill", plan.prefill) +
          program_text(plan, "head of many rows", plan.head_many) + "fusions\n";
  for (const TraceGroup& group : group_trace(plan.trace))
    text += fmt::format("  {} {}: {}: {}\n", group.pass, group.node, title_of({group.layers, {}}),
                        group.applied ? "fused" : group.reason);
  return text;
}

}  // namespace burin::graph
