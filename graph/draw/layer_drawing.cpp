#include "graph/draw/layer_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "graph/draw/data_flow.hpp"
#include "graph/draw/svg.hpp"
#include "graph/units.hpp"

namespace burin::graph::draw {
namespace {

//   x:  memory   streams    boxes      arcs       times
constexpr double kMemoryX = 16, kMemoryWidth = 26;
constexpr double kBoxX = 270, kBoxWidth = 320, kBoxHeight = 62;
constexpr double kArcsX = kBoxX + kBoxWidth, kLane = 34;
constexpr double kTimesX = 790, kTimesWidth = 130, kWidth = 1040;
constexpr double kTop = 34, kPitch = 108, kPillHeight = 26, kPillGap = 46;

// Logarithmic: weights of a layer and a row of activations are a million times apart.
double stream_width(double bytes) { return std::clamp(1.5 + 2.2 * std::log2(1 + bytes / 256), 1.5, 44.0); }

std::string bytes_label(std::uint64_t bytes) { return bytes_text(static_cast<double>(bytes)); }

class LayerDrawing {
 public:
  LayerDrawing(const Plan& plan, const Program& program, const ProgramEstimate& estimate,
               const LayerGroup& group, const Load& load, double whole, const KindTones& tones)
      : plan_(plan),
        load_(load),
        whole_(whole),
        repeats_(static_cast<double>(group.count())),
        tones_(tones),
        svg_(kWidth,
             kTop + 2 * (kPillHeight + kPillGap) + kPitch * static_cast<double>(group.steps.size()) - 46,
             title_of(group)) {
    for (const std::size_t index : group.steps) {
      steps_.push_back(&program[index]);
      estimates_.push_back(&estimate.steps[index]);
      slowest_ = std::max(slowest_, estimate.steps[index].seconds);
    }
  }

  std::string draw() && {
    draw_frame();
    for (std::size_t i = 0; i < steps_.size(); ++i) draw_memory_streams(i);
    draw_activations();
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      draw_box(i);
      draw_time(i);
      if (steps_[i]->barrier) draw_barrier(i);
    }
    return std::move(svg_).finish();
  }

 private:
  double box_top(std::size_t step) const {
    return kTop + kPillHeight + kPillGap + kPitch * static_cast<double>(step);
  }
  double box_middle(std::size_t step) const { return box_top(step) + kBoxHeight / 2; }
  double end_top() const { return box_top(steps_.size() - 1) + kBoxHeight + kPillGap; }

  void draw_frame() {
    const Font head = {11, kFaint};
    svg_.text(kMemoryX, 20, "memory", head);
    svg_.text(kBoxX, 20, "steps", head);
    svg_.text(kArcsX + 12, 20, "used later", head);
    svg_.text(kTimesX, 20, "time at least, share of the whole, bound by", head);
    svg_.rectangle({kMemoryX, kTop, kMemoryWidth, end_top() + kPillHeight - kTop, 6},
                   {.fill = "#eef1f5", .stroke = kLine});
    draw_pill(kTop, "from before");
    draw_pill(end_top(), "to what follows");
  }

  void draw_pill(double y, std::string_view text) {
    svg_.rectangle({kBoxX + kBoxWidth / 2 - 70, y, 140, kPillHeight, 13},
                   {.fill = "#f5f7fa", .stroke = kLine});
    svg_.text(kBoxX + kBoxWidth / 2, y + 17, text, {12, kFaint, Anchor::middle});
  }

  // Streams of weights and of the KV cache, below each other at the box's left side.
  void draw_memory_streams(std::size_t i) {
    const StepEstimate& e = *estimates_[i];
    struct Stream {
      std::string what;
      std::uint64_t bytes;
      std::string_view colour;
    };
    std::vector<Stream> streams;
    if (e.weights > 0) streams.push_back({"weights", e.weights, kWeights});
    if (e.cache_read > 0) streams.push_back({"from KV cache", e.cache_read, kCache});
    if (e.cache_written > 0) streams.push_back({"to KV cache", e.cache_written, kCache});
    const double room = kBoxHeight / static_cast<double>(std::max<std::size_t>(streams.size(), 1));
    for (std::size_t s = 0; s < streams.size(); ++s) {
      const double y = box_top(i) + room * (static_cast<double>(s) + 0.5);
      const double width = std::min(stream_width(static_cast<double>(streams[s].bytes)), room - 2);
      const std::string label = fmt::format("{} {}", streams[s].what, bytes_label(streams[s].bytes));
      svg_.rectangle({kMemoryX + kMemoryWidth, y - width / 2, kBoxX - kMemoryX - kMemoryWidth, width},
                     {.fill = streams[s].colour, .opacity = 0.6}, label);
      svg_.text((kMemoryX + kMemoryWidth + kBoxX) / 2, y + 4, label, {11, kInk, Anchor::middle});
    }
  }

  void draw_activations() {
    const std::vector<Content> contents = contents_of(steps_);
    for (const Content& content : contents) {
      const Step* writer = content.writer < 0 ? nullptr : steps_[static_cast<std::size_t>(content.writer)];
      const std::uint64_t bytes = bytes_of(plan_, content, writer, load_.rows);
      const std::string label =
          fmt::format("{} {}", bytes_label(bytes), name_in_layer(name_of(plan_, content)).name);
      std::vector<std::ptrdiff_t> ends(content.readers.begin(), content.readers.end());
      if (ends.empty() && writer != nullptr) ends.push_back(std::ssize(steps_));
      for (const std::ptrdiff_t end : ends) {
        if (end == content.writer + 1)
          draw_straight(content.writer, static_cast<double>(bytes), label);
        else if (end > content.writer)
          draw_arc(content.writer, end, static_cast<double>(bytes), label);
      }
    }
  }

  // Where what step `index` makes leaves it; kBefore is the pill on top.
  double bottom_of(std::ptrdiff_t index) const {
    return index < 0 ? kTop + kPillHeight : box_top(static_cast<std::size_t>(index)) + kBoxHeight;
  }
  double top_of(std::ptrdiff_t index) const {
    return index == std::ssize(steps_) ? end_top() : box_top(static_cast<std::size_t>(index));
  }

  void draw_straight(std::ptrdiff_t from, double bytes, std::string_view label) {
    const double x = kBoxX + kBoxWidth / 2;
    const double width = stream_width(bytes);
    const double y = bottom_of(from);
    svg_.rectangle({x - width / 2, y, width, top_of(from + 1) - y}, {.fill = kActivations, .opacity = 0.75},
                   label);
    svg_.text(x + width / 2 + 6, y + 14, fitted(label, kBoxWidth / 2 - width / 2 - 8, 10.5), {10.5, kFaint});
  }

  void draw_arc(std::ptrdiff_t from, std::ptrdiff_t to, double bytes, std::string_view label) {
    const double y0 = from < 0 ? kTop + kPillHeight / 2 : box_middle(static_cast<std::size_t>(from));
    const double y1 =
        to == std::ssize(steps_) ? end_top() + kPillHeight / 2 : box_middle(static_cast<std::size_t>(to));
    const double x0 = from < 0 ? kBoxX + kBoxWidth / 2 + 70 : kArcsX;
    const double x1 = to == std::ssize(steps_) ? kBoxX + kBoxWidth / 2 + 70 : kArcsX;
    const double x = kArcsX + 22 + kLane * static_cast<double>(lane_for(from, to));
    const double corner = 16;
    svg_.path(
        fmt::format(
            "M{:.1f} {:.1f}H{:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}V{:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}H{:.1f}", x0,
            y0, x - corner, x, y0, x, y0 + corner, y1 - corner, x, y1, x - corner, y1, x1),
        {.stroke = kActivations, .stroke_width = std::min(stream_width(bytes), kLane - 6), .opacity = 0.6},
        label);
    svg_.text(x + stream_width(bytes) / 2 + 4, (y0 + y1) / 2 + kPitch / 4,
              fitted(label, kTimesX - x - 30, 10), {10, kFaint});
  }

  // Arcs that overlap stand beside each other.
  std::size_t lane_for(std::ptrdiff_t from, std::ptrdiff_t to) {
    std::size_t lane = 0;
    while (lane < lanes_.size() && lanes_[lane] > from) ++lane;
    lane = std::min<std::size_t>(lane, 4);
    if (lane == lanes_.size()) lanes_.push_back(to);
    lanes_[lane] = to;
    return lane;
  }

  void draw_box(std::size_t i) {
    const Step& step = *steps_[i];
    const Tone tone = tones_.of(step);
    const double y = box_top(i);
    svg_.rectangle({kBoxX, y, kBoxWidth, kBoxHeight, 8},
                   {.fill = tone.fill, .stroke = tone.ink, .stroke_width = 1.4}, step.kernel);
    svg_.text(kBoxX + 12, y + 21, fitted(name_in_layer(step.name).name, kBoxWidth - 90, 14),
              {.size = 14, .bold = true});
    svg_.text(kBoxX + kBoxWidth - 12, y + 21, kind_of(step.spec), {11, tone.ink, Anchor::end});
    const std::string_view kernel = step.kernel;
    constexpr std::size_t kLineLetters = 48;
    svg_.text(kBoxX + 12, y + 38, kernel.substr(0, kLineLetters),
              {.size = 9.6, .colour = "#3e4c59", .mono = true});
    if (kernel.size() > kLineLetters)
      svg_.text(kBoxX + 12, y + 52, fitted(kernel.substr(kLineLetters), kBoxWidth - 32, 10.6),
                {.size = 9.6, .colour = "#3e4c59", .mono = true});
  }

  void draw_time(std::size_t i) {
    const StepEstimate& e = *estimates_[i];
    const double width = std::max(1.0, kTimesWidth * e.seconds / slowest_);
    svg_.rectangle({kTimesX, box_middle(i) - 9, width, 18, 3},
                   {.fill = tones_.of(*steps_[i]).ink, .opacity = 0.8});
    svg_.text(kTimesX + width + 8, box_middle(i), seconds_text(e.seconds), {.size = 12, .bold = true});
    svg_.text(kTimesX + width + 8, box_middle(i) + 14,
              fmt::format("{:.1f} % \u00b7 {}", 100 * e.seconds * repeats_ / whole_, name_of(e.bound)),
              {10.5, kFaint});
  }

  void draw_barrier(std::size_t i) {
    const double y = box_top(i) + kBoxHeight + (i + 1 < steps_.size() ? (kPitch - kBoxHeight) : kPillGap) - 9;
    svg_.line(kBoxX, y, kBoxX + kBoxWidth, y, {.stroke = kBarrier, .stroke_width = 1.2, .dashed = true});
    svg_.text(kBoxX - 8, y + 4, "barrier", {10.5, kBarrier, Anchor::end});
  }

  const Plan& plan_;
  const Load& load_;
  double whole_;
  double repeats_;
  const KindTones& tones_;
  Svg svg_;
  std::vector<const Step*> steps_;
  std::vector<const StepEstimate*> estimates_;
  double slowest_ = 0;
  std::vector<std::ptrdiff_t> lanes_;  // the last end of each lane of arcs
};

}  // namespace

std::string draw_layer(const Plan& plan, const Program& program, const ProgramEstimate& estimate,
                       const LayerGroup& group, const Load& load, double whole, const KindTones& tones) {
  return LayerDrawing(plan, program, estimate, group, load, whole, tones).draw();
}

std::string draw_stream_legend() {
  constexpr double kSamples[] = {1024.0, 65536.0, 4194304.0, 268435456.0};
  Svg svg(kWidth, 58, "Widths of streams");
  double x = 0;
  const auto swatch = [&](std::string_view colour, std::string_view what) {
    svg.rectangle({x, 20, 22, 14, 3}, {.fill = colour, .opacity = 0.7});
    svg.text(x + 28, 31, what, {11.5, kInk});
    x += 44 + 6.4 * static_cast<double>(what.size());
  };
  swatch(kWeights, "weights");
  swatch(kCache, "KV cache");
  swatch(kActivations, "activations");
  svg.text(x + 6, 31, "widths on a logarithmic scale:", {11.5, kFaint});
  x += 190;
  for (const double bytes : kSamples) {
    const double width = stream_width(bytes);
    svg.rectangle({x, 27 - width / 2, 40, width}, {.fill = kFaint, .opacity = 0.5});
    svg.text(x + 46, 31, bytes_text(bytes), {11.5, kInk});
    x += 118;
  }
  return std::move(svg).finish();
}

}  // namespace burin::graph::draw
