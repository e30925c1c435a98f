#include "graph/draw/tables.hpp"

#include <fmt/format.h>

#include "graph/draw/svg.hpp"
#include "graph/layer_groups.hpp"
#include "graph/trace_groups.hpp"
#include "graph/units.hpp"

namespace burin::graph::draw {
namespace {

std::string number_cell(std::string_view text) { return fmt::format("<td class=\"number\">{}</td>", text); }

std::string step_row(const Step& step, const StepEstimate& e, double share) {
  const auto bytes = [](std::uint64_t value) { return number_cell(bytes_text(static_cast<double>(value))); };
  return fmt::format("<tr><td>{}</td>{}{}{}{}{}<td>{}</td><td>{}</td><td><code>{}</code></td></tr>\n",
                     escaped(name_in_layer(step.name).name), bytes(e.weights), bytes(e.read),
                     bytes(e.written), number_cell(seconds_text(e.seconds)),
                     number_cell(fmt::format("{:.1f} %", 100 * share)), name_of(e.bound),
                     step.barrier ? "yes" : "no", escaped(step.kernel));
}

std::string program_table(std::string_view title, const Program& program, const ProgramEstimate& estimate,
                          double whole) {
  std::string html = fmt::format("<h3>{}: {}</h3>\n", escaped(title), seconds_text(estimate.seconds));
  html +=
      "<div class=\"scroll\"><table>\n<tr><th>step</th><th class=\"number\">weights</th><th "
      "class=\"number\">read</th>"
      "<th class=\"number\">written</th><th class=\"number\">time</th><th "
      "class=\"number\">share</th><th>bound by</th>"
      "<th>barrier</th><th>kernel</th></tr>\n";
  for (const LayerGroup& group : group_layers(program)) {
    html += fmt::format("<tr><td colspan=\"9\"><b>{}</b></td></tr>\n", escaped(title_of(group)));
    for (const std::size_t index : group.steps) {
      const StepEstimate& e = estimate.steps[index];
      html += step_row(program[index], e, e.seconds * static_cast<double>(group.count()) / whole);
    }
  }
  return html + "</table></div>\n";
}

}  // namespace

std::string fusion_table(const Trace& trace) {
  std::string html =
      "<div class=\"scroll\"><table>\n<tr><th>pass</th><th>node</th><th>where</th><th></th><th>why "
      "not</th></tr>\n";
  for (const TraceGroup& group : group_trace(trace))
    html += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(group.pass),
        escaped(group.node), escaped(title_of({group.layers, {}})),
        group.applied ? "<span class=\"yes\">fused</span>" : "<span class=\"no\">not fused</span>",
        escaped(group.reason));
  return html + "</table></div>\n";
}

std::string step_tables(const Plan& plan, const PlanEstimate& e) {
  return program_table("decode", plan.decode, e.decode, e.token_seconds()) +
         program_table("output head of one row", plan.head_one, e.head_one, e.token_seconds()) +
         program_table(fmt::format("prefill of {} rows", e.prefill_load.rows), plan.prefill, e.prefill,
                       e.chunk_seconds()) +
         (plan.few.empty() ? ""
                           : program_table(fmt::format("{} rows at most", plan.few_rows), plan.few, e.few,
                                           e.few.seconds)) +
         program_table(fmt::format("output head of up to {} rows", plan.head_rows), plan.head_many,
                       e.head_many, e.head_many.seconds);
}

}  // namespace burin::graph::draw
