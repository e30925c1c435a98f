#include "graph/draw/arena_drawing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "graph/draw/data_flow.hpp"
#include "graph/draw/svg.hpp"
#include "graph/layer_groups.hpp"
#include "graph/units.hpp"

namespace burin::graph::draw {
namespace {

constexpr double kLeft = 92, kTop = 22, kHeight = 330, kFoot = 118, kRight = 1024, kWidth = 1040;
constexpr double kGap = 34;
constexpr int kFirstLayers = 2;

class ArenaDrawing {
 public:
  ArenaDrawing(const Plan& plan, const KindTones& tones)
      : plan_(plan),
        tones_(tones),
        steps_(pointers_to(plan.prefill)),
        svg_(kWidth, kTop + kHeight + kFoot, "The arena over time") {
    for (const Step& step : plan.head_many) steps_.push_back(&step);
    place_columns();
  }

  std::string draw() && {
    draw_axes();
    for (const Content& content : contents_of(steps_))
      if (is_in_arena(content)) draw_content(content);
    draw_names();
    return std::move(svg_).finish();
  }

 private:
  bool is_shown(const Step& step) const {
    const int layer = name_in_layer(step.name).layer;
    return layer < kFirstLayers || layer == plan_.layers - 1;
  }

  bool is_in_arena(const Content& content) const {
    return content.buffer >= 0 && !plan_.buffers[static_cast<std::size_t>(content.buffer)].per_thread;
  }

  // Each shown step gets a column; a gap stands for a run of hidden ones.
  void place_columns() {
    std::size_t columns = 0;
    std::size_t gaps = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (is_shown(*steps_[i]))
        ++columns;
      else if (i == 0 || is_shown(*steps_[i - 1]))
        ++gaps;
    }
    column_ = (kRight - kLeft - kGap * static_cast<double>(gaps)) /
              static_cast<double>(std::max<std::size_t>(columns, 1));
    double x = kLeft;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      left_.push_back(x);
      if (is_shown(*steps_[i]))
        x += column_;
      else if (i + 1 == steps_.size() || is_shown(*steps_[i + 1]))
        x += kGap;
      right_.push_back(x);
    }
  }

  double y_of(double bytes) const {
    return kTop + kHeight * (1 - bytes / static_cast<double>(std::max<std::size_t>(plan_.arena_bytes, 1)));
  }

  // A step that writes what it reads ends one content and begins the next.
  double middle_of(std::size_t step) const { return (left_[step] + right_[step]) / 2; }

  void draw_axes() {
    constexpr int kTicks = 4;
    for (int tick = 0; tick <= kTicks; ++tick) {
      const double bytes = static_cast<double>(plan_.arena_bytes) * tick / kTicks;
      svg_.line(kLeft, y_of(bytes), kRight, y_of(bytes), {.stroke = tick == kTicks ? kBarrier : kLine});
      svg_.text(kLeft - 8, y_of(bytes) + 4, bytes_text(bytes), {11, kFaint, Anchor::end});
    }
    svg_.text(kRight, kTop - 8, fmt::format("arena: {}", bytes_text(static_cast<double>(plan_.arena_bytes))),
              {11, kBarrier, Anchor::end});
  }

  void draw_content(const Content& content) {
    const Buffer& buffer = plan_.buffers[static_cast<std::size_t>(content.buffer)];
    const auto first = static_cast<std::size_t>(std::max<std::ptrdiff_t>(content.first_written, 0));
    const std::ptrdiff_t last_use =
        content.buffer == plan_.logits ? std::ssize(steps_) - 1 : content.last_use();
    const auto last = static_cast<std::size_t>(std::max<std::ptrdiff_t>(last_use, 0));
    if (!is_shown(*steps_[first]) && !is_shown(*steps_[last])) return;
    const double x = middle_of(first);
    const double width = (last > first ? middle_of(last) : right_[first]) - x;
    const auto bytes = static_cast<double>(buffer.bytes());
    const double top = y_of(static_cast<double>(buffer.offset) + bytes);
    const double height = y_of(static_cast<double>(buffer.offset)) - top;
    const Tone tone = tones_.of(*steps_[first]);
    const std::string_view name = name_in_layer(steps_[first]->name).name;
    svg_.rectangle({x + 1, top + 0.5, std::max(width - 2, 0.5), std::max(height - 1, 0.5), 3},
                   {.fill = tone.fill, .stroke = tone.ink},
                   fmt::format("{}: {} rows of {} floats, {}, at byte {}", steps_[first]->name, buffer.rows,
                               buffer.width, bytes_text(bytes), buffer.offset));
    draw_name(name, {x, top, width, height}, tone.ink);
  }

  // Along the longer side.
  void draw_name(std::string_view name, const Rectangle& place, std::string_view colour) {
    const Font font = {.size = 10.5, .colour = colour};
    if (place.width < 70 && place.height > place.width && place.width > 13)
      svg_.text(place.x + place.width / 2 - 4, place.y + 7, fitted(name, place.height - 10, font.size),
                {.size = font.size, .colour = colour, .turn = 90});
    else if (place.height > 12)
      svg_.text(place.x + 6, place.y + std::min(place.height / 2 + 4, 15.0),
                fitted(name, place.width - 10, font.size), font);
  }

  // Under the columns, slanted.
  void draw_names() {
    const double base = kTop + kHeight;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const double middle = middle_of(i);
      if (!is_shown(*steps_[i])) {
        if (right_[i] > left_[i]) svg_.text(middle, base + 14, "\u2026", {16, kFaint, Anchor::middle});
        continue;
      }
      const auto [layer, name] = name_in_layer(steps_[i]->name);
      svg_.line(right_[i], base, right_[i], base + 5, {.stroke = kLine});
      svg_.text(middle + 3, base + 12, layer < 0 ? std::string(name) : fmt::format("{} {}", layer, name),
                {.size = 9.5, .colour = kFaint, .anchor = Anchor::end, .turn = -50});
    }
  }

  const Plan& plan_;
  const KindTones& tones_;
  std::vector<const Step*> steps_;
  Svg svg_;
  double column_ = 0;
  std::vector<double> left_, right_;  // per step; equal inside of gaps
};

}  // namespace

std::string draw_arena(const Plan& plan, const KindTones& tones) { return ArenaDrawing(plan, tones).draw(); }

}  // namespace burin::graph::draw
