#include "graph/plan_text.hpp"

#include <algorithm>

#include "graph/layer_groups.hpp"
#include "graph/roofline.hpp"
#include "graph/trace_groups.hpp"
#include "graph/units.hpp"
#include "jit/spec_text.hpp"

namespace burin::graph {
namespace {

// One program as a table. Shares are of `whole` seconds.
class ProgramTable {
 public:
  ProgramTable(const Program& program, const ProgramEstimate& estimate, double whole)
      : program_(program), estimate_(estimate), whole_(whole) {
    for (const Step& step : program) width_ = std::max(width_, name_in_layer(step.name).name.size());
  }

  std::string text() const {
    std::string text =
        fmt::format("    {:<{}} {:>10} {:>10} {:>10} {:>10} {:>7}  {:<10}  {}\n", "step", width_, "weights",
                    "read", "written", "time", "share", "bound by", "kernel");
    for (const LayerGroup& group : group_layers(program_)) text += group_text(group);
    return text;
  }

 private:
  std::string group_text(const LayerGroup& group) const {
    std::string text = "  " + title_of(group);
    double seconds = 0;
    for (const std::size_t index : group.steps) seconds += estimate_.steps[index].seconds;
    if (!group.layers.empty())
      text += fmt::format(": {}{}", seconds_text(seconds), group.count() > 1 ? " each" : "");
    text += fmt::format("{} {}\n", group.layers.empty() ? ":" : ",",
                        share_text(seconds * static_cast<double>(group.count())));
    for (const std::size_t index : group.steps) text += step_text(index, group.count());
    return text;
  }

  std::string step_text(std::size_t index, std::size_t count) const {
    const Step& step = program_[index];
    const StepEstimate& e = estimate_.steps[index];
    const auto bytes = [](std::uint64_t value) { return bytes_text(static_cast<double>(value)); };
    return fmt::format("    {:<{}} {:>10} {:>10} {:>10} {:>10} {:>7}  {:<10}  {}{}\n",
                       name_in_layer(step.name).name, width_, bytes(e.weights), bytes(e.read),
                       bytes(e.written), seconds_text(e.seconds),
                       share_text(e.seconds * static_cast<double>(count)), name_of(e.bound), step.kernel,
                       step.barrier ? "  | barrier" : "");
  }

  std::string share_text(double seconds) const { return fmt::format("{:.1f} %", 100 * seconds / whole_); }

  const Program& program_;
  const ProgramEstimate& estimate_;
  double whole_;
  std::size_t width_ = 4;
};

std::string head_text(const Plan& plan, const MachineLimits& limits) {
  std::string text = fmt::format(
      "{}: {} with {} layers, for {} ({})\ncompute {}, KV {}, context {}, chunks of {}\n"
      "weights {}, KV cache {}, arena {}, {} barriers per layer in decode\n",
      plan.model, plan.architecture, plan.layers, plan.target.name, to_text(plan.target.features),
      to_text(plan.options.compute), to_text(plan.options.kv), plan.options.context, plan.options.chunk,
      bytes_text(static_cast<double>(plan.weight_bytes)),
      bytes_text(static_cast<double>(plan.kv_bytes_per_layer() * plan.layers)),
      bytes_text(static_cast<double>(plan.arena_bytes)), barriers_per_layer(plan));
  for (const std::string& note : plan.notes) text += "note: " + note + "\n";
  for (const std::string& remark : plan.remarks) text += "remark: " + remark + "\n";
  return text + "times: at least, by a roofline of " + to_text(limits) + "\n";
}

std::string fusions_text(const Trace& trace) {
  std::string text;
  for (const TraceGroup& group : group_trace(trace)) {
    const std::string layers = group.layers.empty() ? "" : " of " + title_of({group.layers, {}});
    text += fmt::format("  {:<13} {:<42} {}\n", group.pass, group.node + layers,
                        group.applied ? "fused" : "not fused: " + group.reason);
  }
  return text;
}

}  // namespace

std::string to_text(const Plan& plan, const MachineLimits& limits) {
  const PlanEstimate e = estimate(plan, limits);
  std::string text = head_text(plan, limits);
  text +=
      fmt::format("\ndecode: one row behind {} positions: {} with its logits, {}\n", e.decode_load.position,
                  seconds_text(e.token_seconds()), rate_text(1, e.token_seconds()));
  text += ProgramTable(plan.decode, e.decode, e.token_seconds()).text();
  text += "\noutput head of one row\n" + ProgramTable(plan.head_one, e.head_one, e.token_seconds()).text();
  text += fmt::format("\nprefill: {} rows of an empty cache: {} with the last one's logits, {}\n",
                      e.prefill_load.rows, seconds_text(e.chunk_seconds()),
                      rate_text(static_cast<double>(e.prefill_load.rows), e.chunk_seconds()));
  text += ProgramTable(plan.prefill, e.prefill, e.chunk_seconds()).text();
  if (!plan.few.empty())
    text += fmt::format("\n{} rows at most behind {} positions\n", plan.few_rows, e.few_load.position) +
            ProgramTable(plan.few, e.few, e.few.seconds).text();
  text +=
      fmt::format("\noutput head of up to {} rows: {}\n", plan.head_rows, seconds_text(e.head_many.seconds));
  text += ProgramTable(plan.head_many, e.head_many, e.head_many.seconds).text();
  return text + "\nfusions\n" + fusions_text(plan.trace);
}

std::string to_text(const Plan& plan) { return to_text(plan, nominal_limits(plan.target)); }

}  // namespace burin::graph
