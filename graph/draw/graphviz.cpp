#include <fmt/format.h>

#include <map>

#include "graph/draw/data_flow.hpp"
#include "graph/draw/page.hpp"
#include "graph/draw/palette.hpp"
#include "graph/layer_groups.hpp"
#include "graph/roofline.hpp"
#include "graph/units.hpp"

namespace burin::graph::draw {
namespace {

// Between double quotes; \n of our own labels is added behind this.
std::string dot_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return result;
}

class Graphviz {
 public:
  Graphviz(const Plan& plan, const MachineLimits& limits)
      : plan_(plan), tones_(plan), steps_(pointers_to(plan.decode)) {
    const PlanEstimate e = estimate(plan, limits);
    for (const Step& step : plan.head_one) steps_.push_back(&step);
    estimates_ = e.decode.steps;
    estimates_.insert(estimates_.end(), e.head_one.steps.begin(), e.head_one.steps.end());
    title_ =
        fmt::format("{}: decode on {}, {} a token at least\\n{}", dot_text(plan.model),
                    dot_text(plan.target.name), seconds_text(e.token_seconds()), dot_text(to_text(limits)));
  }

  std::string text() const {
    std::string text = fmt::format(
        "digraph plan {{\n  label=\"{}\";\n  labelloc=t;\n  fontname=\"Helvetica\";\n"
        "  node [fontname=\"Helvetica\", fontsize=11];\n  edge [fontname=\"Helvetica\", fontsize=9, "
        "color=\"#7b8794\"];\n",
        title_);
    std::map<int, std::string> layers;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      layers[name_in_layer(steps_[i]->name).layer] += step_text(i);
    for (const auto& [layer, steps] : layers)
      text += layer < 0 ? steps
                        : fmt::format(
                              "  subgraph cluster_layer_{0} {{\n    label=\"layer {0}\";\n    "
                              "color=\"#cbd2d9\";\n{1}  }}\n",
                              layer, steps);
    return text + contents_text() + "}\n";
  }

 private:
  std::string step_text(std::size_t i) const {
    const Step& step = *steps_[i];
    const Tone tone = tones_.of(step);
    return fmt::format(
        "  s{} [shape=box, style=\"filled,rounded\", fillcolor=\"{}\", color=\"{}\", tooltip=\"{}\", "
        "label=\"{}\\n{}, {} of weights\\n{}{}\"];\n",
        i, tone.fill, tone.ink, dot_text(step.kernel), dot_text(name_in_layer(step.name).name),
        kind_of(step.spec), bytes_text(static_cast<double>(estimates_[i].weights)),
        seconds_text(estimates_[i].seconds), step.barrier ? ", then a barrier" : "");
  }

  std::string contents_text() const {
    std::string text;
    const std::vector<Content> contents = contents_of(steps_);
    for (std::size_t c = 0; c < contents.size(); ++c) {
      const Content& content = contents[c];
      const Step* writer = content.writer < 0 ? nullptr : steps_[static_cast<std::size_t>(content.writer)];
      text += fmt::format("  b{} [shape=ellipse, color=\"#7fb992\", label=\"{}\\n{}\"];\n", c,
                          dot_text(name_of(plan_, content)),
                          bytes_text(static_cast<double>(bytes_of(plan_, content, writer, 1))));
      for (std::ptrdiff_t i = content.first_written; i >= 0 && i <= content.writer; ++i)
        text += fmt::format("  s{} -> b{};\n", i, c);
      for (const std::size_t reader : content.readers) text += fmt::format("  b{} -> s{};\n", c, reader);
    }
    return text;
  }

  const Plan& plan_;
  KindTones tones_;
  std::vector<const Step*> steps_;
  std::vector<StepEstimate> estimates_;
  std::string title_;
};

}  // namespace

std::string graphviz(const Plan& plan, const MachineLimits& limits) { return Graphviz(plan, limits).text(); }

}  // namespace burin::graph::draw
