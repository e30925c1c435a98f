#include "graph/draw/palette.hpp"

#include <algorithm>

namespace burin::graph::draw {
namespace {

constexpr Tone kTones[] = {{"#dbe9fb", "#2f6fb7"}, {"#dcf1e1", "#2f8a4f"}, {"#fdeccc", "#a86a12"},
                           {"#e8e0fa", "#6b4fb3"}, {"#d3f0ee", "#1f8a85"}, {"#fbdfe4", "#b83a56"},
                           {"#ecf3cf", "#647c17"}, {"#e4e8ee", "#52606d"}};

}  // namespace

KindTones::KindTones(const Plan& plan) {
  for (const Program* program : plan.programs())
    for (const Step& step : *program) {
      const std::string kind(kind_of(step.spec));
      if (std::find(kinds_.begin(), kinds_.end(), kind) == kinds_.end()) kinds_.push_back(kind);
    }
}

Tone KindTones::of(const Step& step) const {
  const auto at = std::find(kinds_.begin(), kinds_.end(), kind_of(step.spec));
  return tone(static_cast<std::size_t>(at - kinds_.begin()));
}

Tone KindTones::tone(std::size_t index) { return kTones[index % std::size(kTones)]; }

}  // namespace burin::graph::draw
