// Plans for people (text) and programs (JSON).
#include "graph/plan.hpp"
#include "jit/spec_text.hpp"

namespace burin::graph {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

std::string buffer_name(const Plan& plan, int index) {
  return index < 0 ? "" : plan.buffers[static_cast<std::size_t>(index)].name;
}

void append_program(std::string& text, const Plan& plan, std::string_view title, const Program& program) {
  text += fmt::format("\n{}\n", title);
  for (const Step& step : program) {
    const StepTraffic traffic = traffic_of(plan, step, plan.options.context);
    text += fmt::format("  {:<34} {:>9.3f} MiB weights  {:>9.3f} MiB read  {}{}\n", step.name,
                        static_cast<double>(traffic.weights) / kMiB, static_cast<double>(traffic.read) / kMiB,
                        step.kernel, step.barrier ? "  | barrier" : "");
  }
}

nlohmann::json step_json(const Plan& plan, const Step& step) {
  const StepTraffic traffic = traffic_of(plan, step, plan.options.context);
  nlohmann::json reads = nlohmann::json::array();
  if (step.input >= 0) reads.push_back(buffer_name(plan, step.input));
  if (step.residual >= 0) reads.push_back(buffer_name(plan, step.residual));
  if (step.routes >= 0) reads.push_back(buffer_name(plan, step.routes));
  if (step.matrix >= 0)
    reads.push_back(plan.matrices[static_cast<std::size_t>(step.matrix)].name + " weights");
  nlohmann::json writes = nlohmann::json::array();
  writes.push_back(step.output >= 0 ? buffer_name(plan, step.output) : "prepared rows");
  return {{"name", step.name},
          {"kind", kind_of(step.spec)},
          {"kernel", step.kernel},
          {"layer", step.layer},
          {"reads", reads},
          {"writes", writes},
          {"weight_bytes", traffic.weights},
          {"bytes", traffic.weights + traffic.read + traffic.written},
          {"barrier", step.barrier}};
}

nlohmann::json program_json(const Plan& plan, const Program& program) {
  nlohmann::json steps = nlohmann::json::array();
  for (const Step& step : program) steps.push_back(step_json(plan, step));
  return steps;
}

}  // namespace

std::string to_text(const Plan& plan) {
  std::string text = fmt::format(
      "{}: {} with {} layers, for {} ({})\ncompute {}, KV {}, context {}, chunks of {}\n"
      "weights {:.1f} MiB, KV cache {:.1f} MiB, arena {:.1f} MiB, {} barriers per layer in decode\n",
      plan.model, plan.architecture, plan.layers, plan.target.name, to_text(plan.target.features),
      to_text(plan.options.compute), to_text(plan.options.kv), plan.options.context, plan.options.chunk,
      static_cast<double>(plan.weight_bytes) / kMiB,
      static_cast<double>(plan.kv_bytes_per_layer() * plan.layers) / kMiB,
      static_cast<double>(plan.arena_bytes) / kMiB, barriers_per_layer(plan));
  for (const std::string& note : plan.notes) text += "note: " + note + "\n";
  for (const std::string& remark : plan.remarks) text += "remark: " + remark + "\n";
  append_program(text, plan, "decode (one row)", plan.decode);
  append_program(text, plan, "output head (one row)", plan.head_one);
  append_program(text, plan, fmt::format("prefill (up to {} rows)", plan.options.chunk), plan.prefill);
  append_program(text, plan, fmt::format("output head (up to {} rows)", plan.head_rows), plan.head_many);
  text += "\nfusions\n";
  for (const TraceLine& line : plan.trace)
    text += fmt::format("  {:<13} {:<30} {}\n", line.pass, line.node,
                        line.applied ? "fused" : "not fused: " + line.reason);
  return text;
}

nlohmann::json to_json(const Plan& plan) {
  nlohmann::json steps = program_json(plan, plan.decode);
  for (nlohmann::json& step : program_json(plan, plan.head_one)) steps.push_back(std::move(step));
  nlohmann::json trace = nlohmann::json::array();
  for (const TraceLine& line : plan.trace)
    trace.push_back(
        {{"pass", line.pass}, {"node", line.node}, {"applied", line.applied}, {"reason", line.reason}});
  nlohmann::json buffers = nlohmann::json::array();
  for (const Buffer& buffer : plan.buffers)
    buffers.push_back(
        {{"name", buffer.name}, {"width", buffer.width}, {"rows", buffer.rows}, {"offset", buffer.offset}});
  return {{"model", plan.model},
          {"architecture", plan.architecture},
          {"target", plan.target.name},
          {"features", to_text(plan.target.features)},
          {"compute", to_text(plan.options.compute)},
          {"kv", to_text(plan.options.kv)},
          {"context", plan.options.context},
          {"chunk", plan.options.chunk},
          {"layers", plan.layers},
          {"barriers_per_layer", barriers_per_layer(plan)},
          {"arena_bytes", plan.arena_bytes},
          {"weight_bytes", plan.weight_bytes},
          {"kv_bytes", plan.kv_bytes_per_layer() * plan.layers},
          {"buffers", buffers},
          {"steps", steps},
          {"prefill_steps", program_json(plan, plan.prefill)},
          {"head_many_steps", program_json(plan, plan.head_many)},
          {"trace", trace},
          {"notes", plan.notes},
          {"remarks", plan.remarks}};
}

}  // namespace burin::graph
