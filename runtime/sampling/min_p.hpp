#pragma once

#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {

// Min-p (Nguyen et al., "Turning Up the Heat", 2024): tokens at least p times as probable as the best. 0: all.
inline void keep_min_p(Candidates& candidates, float p) {
  if (p <= 0) return;
  const double least = top_logit(candidates) + std::log(static_cast<double>(p));
  std::erase_if(candidates, [least](const Candidate& candidate) { return candidate.logit < least; });
}

}  // namespace burin::runtime
