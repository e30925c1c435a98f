#include "graph/draw/page.hpp"

#include <fmt/format.h>

#include "graph/draw/arena_drawing.hpp"
#include "graph/draw/data_flow.hpp"
#include "graph/draw/layer_drawing.hpp"
#include "graph/draw/page_style.hpp"
#include "graph/draw/partition.hpp"
#include "graph/draw/svg.hpp"
#include "graph/draw/tables.hpp"
#include "graph/units.hpp"
#include "jit/spec_text.hpp"

namespace burin::graph::draw {
namespace {

// Models whose every layer is quantised its own way would fill a book.
constexpr std::size_t kMostGroups = 4;

std::string section(std::string_view title, std::string_view lead, std::string_view content) {
  return fmt::format("<section>\n<h2>{}</h2>\n<p class=\"lead\">{}</p>\n{}</section>\n", escaped(title),
                     escaped(lead), content);
}

std::string figure(std::string_view caption, std::string_view svg) {
  return fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n", escaped(caption), svg);
}

std::string tile(std::string_view value, std::string_view what) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escaped(value), escaped(what));
}

class Page {
 public:
  Page(const Plan& plan, const MachineLimits& limits)
      : plan_(plan), estimate_(estimate(plan, limits)), tones_(plan) {}

  std::string html() const {
    std::string html = fmt::format(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Plan of "
        "{}</title>\n"
        "<style>\n{}</style>\n</head>\n<body>\n<main>\n",
        escaped(plan_.model), kPageStyle);
    html += head();
    html += layers("A layer in decode", plan_.decode, estimate_.decode, estimate_.decode_load,
                   estimate_.token_seconds());
    html += layers("A layer in prefill", plan_.prefill, estimate_.prefill, estimate_.prefill_load,
                   estimate_.chunk_seconds());
    html += section("The arena over time",
                    fmt::format("Bytes of the activations' arena (linear scale) while a chunk of {} rows and "
                                "then {} rows of logits "
                                "are computed. A rectangle reaches from the step that writes a buffer to the "
                                "last one that reads it.",
                                plan_.options.chunk, plan_.head_rows),
                    figure("prefill and output head", draw_arena(plan_, tones_)));
    html += section("Fusions", "What each pass did to the graph, and why it did not where it could not.",
                    fusion_table(plan_.trace));
    html +=
        section("All steps", "Layers that are alike once; times as above.", step_tables(plan_, estimate_));
    return html + "</main>\n</body>\n</html>\n";
  }

 private:
  std::string head() const {
    std::string html = fmt::format(
        "<header>\n<h1>{}</h1>\n<p class=\"lead\">{} with {} layers, for {} ({}); compute {}, KV cache "
        "{}, context {}, chunks of {}</p>\n<div class=\"tiles\">\n",
        escaped(plan_.model), escaped(plan_.architecture), plan_.layers, escaped(plan_.target.name),
        to_text(plan_.target.features), to_text(plan_.options.compute), to_text(plan_.options.kv),
        plan_.options.context, plan_.options.chunk);
    const double rows = static_cast<double>(estimate_.prefill_load.rows);
    html += tile(rate_text(1, estimate_.token_seconds()),
                 fmt::format("decode at most, behind {} positions", estimate_.decode_load.position));
    html += tile(rate_text(rows, estimate_.chunk_seconds()), fmt::format("prefill at most, {} rows", rows));
    html += tile(bytes_text(static_cast<double>(plan_.weight_bytes)), "weights");
    html += tile(bytes_text(static_cast<double>(plan_.kv_bytes_per_layer() * plan_.layers)), "KV cache");
    html += tile(bytes_text(static_cast<double>(plan_.arena_bytes)), "arena");
    html += tile(fmt::format("{}", barriers_per_layer(plan_)), "barriers per layer in decode");
    html += fmt::format("</div>\n<p class=\"note\">Times are a roofline: {}</p>\n",
                        escaped(to_text(estimate_.limits)));
    for (const std::string& note : plan_.notes)
      html += fmt::format("<p class=\"warning\">{}</p>\n", escaped(note));
    for (const std::string& remark : plan_.remarks)
      html += fmt::format("<p class=\"note\">{}</p>\n", escaped(remark));
    return html + "</header>\n";
  }

  std::string layers(std::string_view title, const Program& program, const ProgramEstimate& estimate,
                     const Load& load, double whole) const {
    std::string content = draw_stream_legend();
    std::size_t drawn = 0;
    std::size_t hidden = 0;
    for (const LayerGroup& group : group_layers(program)) {
      if (group.layers.empty()) continue;
      if (++drawn > kMostGroups) {
        ++hidden;
        continue;
      }
      content += figure(title_of(group), draw_layer(plan_, program, estimate, group, load, whole, tones_));
      content += figure(fmt::format("{}: parts of {} threads", title_of(group), estimate_.limits.threads),
                        draw_partitions(steps_of(program, group), load.rows, estimate_.limits.threads));
    }
    if (hidden > 0)
      content += fmt::format("<p class=\"note\">{} more kinds of layers are in the table of all steps.</p>\n",
                             hidden);
    const std::string lead =
        fmt::format("{} behind {} positions. Boxes are steps, each one kernel; all threads meet at barriers.",
                    load.rows == 1 ? "One row" : fmt::format("{} rows", load.rows), load.position);
    return section(title, lead, content);
  }

  static std::vector<const Step*> steps_of(const Program& program, const LayerGroup& group) {
    std::vector<const Step*> steps;
    for (const std::size_t index : group.steps) steps.push_back(&program[index]);
    return steps;
  }

  const Plan& plan_;
  PlanEstimate estimate_;
  KindTones tones_;
};

}  // namespace

std::string html_page(const Plan& plan, const MachineLimits& limits) { return Page(plan, limits).html(); }

}  // namespace burin::graph::draw
