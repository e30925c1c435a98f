// Colours of drawings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/plan.hpp"

namespace burin::graph::draw {

inline constexpr std::string_view kInk = "#1f2933";
inline constexpr std::string_view kFaint = "#7b8794";
inline constexpr std::string_view kLine = "#cbd2d9";
inline constexpr std::string_view kWeights = "#8aa4c8";
inline constexpr std::string_view kCache = "#e0a458";
inline constexpr std::string_view kActivations = "#7fb992";
inline constexpr std::string_view kBarrier = "#d64545";

struct Tone {
  std::string_view fill;
  std::string_view ink;
};

// One tone per kind of step, in the order in which the plan has them: kinds yet to come get theirs.
class KindTones {
 public:
  explicit KindTones(const Plan& plan);
  Tone of(const Step& step) const;
  const std::vector<std::string>& kinds() const { return kinds_; }
  static Tone tone(std::size_t index);

 private:
  std::vector<std::string> kinds_;
};

}  // namespace burin::graph::draw
