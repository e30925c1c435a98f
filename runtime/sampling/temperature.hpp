#pragma once

#include "runtime/sampling/candidates.hpp"
#include "runtime/sampling/options.hpp"

namespace burin::runtime {

// Dynamic temperature (kalomaze, "Entropy Based Dynamic Temperature", llama.cpp pull request 4972, 2024): between
// temperature - range (at least 0) and temperature + range, as (entropy / greatest possible entropy)^exponent of the
// candidates has it: an unsure model writes more freely. Range 0, or one candidate: the temperature itself.
inline float temperature_for(const Candidates& candidates, const SamplingOptions& options) {
  if (options.dynatemp_range <= 0 || candidates.size() < 2) return options.temperature;
  const float least = std::max(0.0f, options.temperature - options.dynatemp_range);
  const float most = options.temperature + options.dynatemp_range;
  const double unsure = spread(candidates).entropy / std::log(static_cast<double>(candidates.size()));
  const double share = std::pow(std::clamp(unsure, 0.0, 1.0), static_cast<double>(options.dynatemp_exponent));
  return least + (most - least) * static_cast<float>(share);
}

}  // namespace burin::runtime
