#include "graph/layer_groups.hpp"
#include "graph/plan_text.hpp"
#include "graph/roofline.hpp"
#include "jit/spec_text.hpp"

namespace burin::graph {
namespace {

using nlohmann::json;

std::string buffer_name(const Plan& plan, int index) {
  return plan.buffers[static_cast<std::size_t>(index)].name;
}

json reads_of(const Plan& plan, const Step& step) {
  json reads = json::array();
  if (step.input >= 0) reads.push_back(buffer_name(plan, step.input));
  if (step.residual >= 0) reads.push_back(buffer_name(plan, step.residual));
  if (step.routes >= 0) reads.push_back(buffer_name(plan, step.routes));
  if (step.matrix >= 0)
    reads.push_back(plan.matrices[static_cast<std::size_t>(step.matrix)].name + " weights");
  return reads;
}

json step_json(const Plan& plan, const Step& step, const StepEstimate& e, double whole) {
  return {{"name", step.name},
          {"kind", kind_of(step.spec)},
          {"kernel", step.kernel},
          {"layer", step.layer},
          {"reads", reads_of(plan, step)},
          {"writes", json::array({step.output >= 0 ? buffer_name(plan, step.output) : "prepared rows"})},
          {"weight_bytes", e.weights},
          {"read_bytes", e.read},
          {"written_bytes", e.written},
          {"bytes", e.bytes()},
          {"macs", e.macs},
          {"seconds", e.seconds},
          {"share", e.seconds / whole},
          {"bound", name_of(e.bound)},
          {"barrier", step.barrier}};
}

json program_json(const Plan& plan, const Program& program, const ProgramEstimate& e, double whole) {
  json steps = json::array();
  for (std::size_t i = 0; i < program.size(); ++i)
    steps.push_back(step_json(plan, program[i], e.steps[i], whole));
  return steps;
}

json groups_json(const Program& program) {
  json groups = json::array();
  for (const LayerGroup& group : group_layers(program))
    if (!group.layers.empty()) groups.push_back(group.layers);
  return groups;
}

json limits_json(const MachineLimits& limits) {
  return {{"source", limits.source},
          {"measured", limits.measured},
          {"threads", limits.threads},
          {"read_gb_s", limits.read_bytes_per_second / 1e9},
          {"int8_gmac_s", limits.int8_macs_per_second / 1e9},
          {"bf16_gmac_s", limits.bf16_macs_per_second / 1e9},
          {"f16_gmac_s", limits.f16_macs_per_second / 1e9},
          {"f32_gmac_s", limits.f32_macs_per_second / 1e9},
          {"barrier_s", limits.barrier_seconds}};
}

json estimate_json(const PlanEstimate& e) {
  return {{"decode_position", e.decode_load.position},
          {"decode_s", e.token_seconds()},
          {"decode_tok_s", 1 / e.token_seconds()},
          {"prefill_rows", e.prefill_load.rows},
          {"prefill_s", e.chunk_seconds()},
          {"prefill_tok_s", static_cast<double>(e.prefill_load.rows) / e.chunk_seconds()}};
}

json buffers_json(const Plan& plan) {
  json buffers = json::array();
  for (const Buffer& buffer : plan.buffers)
    buffers.push_back(
        {{"name", buffer.name}, {"width", buffer.width}, {"rows", buffer.rows}, {"offset", buffer.offset}});
  return buffers;
}

json trace_json(const Trace& trace) {
  json lines = json::array();
  for (const TraceLine& line : trace)
    lines.push_back(
        {{"pass", line.pass}, {"node", line.node}, {"applied", line.applied}, {"reason", line.reason}});
  return lines;
}

}  // namespace

json to_json(const Plan& plan, const MachineLimits& limits) {
  const PlanEstimate e = estimate(plan, limits);
  json steps = program_json(plan, plan.decode, e.decode, e.token_seconds());
  for (json& step : program_json(plan, plan.head_one, e.head_one, e.token_seconds()))
    steps.push_back(std::move(step));
  return {{"model", plan.model},
          {"architecture", plan.architecture},
          {"target", plan.target.name},
          {"features", to_text(plan.target.features)},
          {"compute", to_text(plan.options.compute)},
          {"kv", to_text(plan.options.kv)},
          {"context", plan.options.context},
          {"chunk", plan.options.chunk},
          {"layers", plan.layers},
          {"layer_groups", groups_json(plan.decode)},
          {"barriers_per_layer", barriers_per_layer(plan)},
          {"arena_bytes", plan.arena_bytes},
          {"weight_bytes", plan.weight_bytes},
          {"kv_bytes", plan.kv_bytes_per_layer() * plan.layers},
          {"limits", limits_json(limits)},
          {"estimate", estimate_json(e)},
          {"buffers", buffers_json(plan)},
          {"steps", std::move(steps)},
          {"prefill_steps", program_json(plan, plan.prefill, e.prefill, e.chunk_seconds())},
          {"few_rows", plan.few_rows},
          {"few_steps", program_json(plan, plan.few, e.few, e.few.seconds)},
          {"head_many_steps", program_json(plan, plan.head_many, e.head_many, e.head_many.seconds)},
          {"trace", trace_json(plan.trace)},
          {"notes", plan.notes},
          {"remarks", plan.remarks}};
}

json to_json(const Plan& plan) { return to_json(plan, nominal_limits(plan.target)); }

}  // namespace burin::graph
