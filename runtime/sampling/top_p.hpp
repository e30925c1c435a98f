#pragma once

#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {

// Nucleus sampling (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2019): the shortest run of the
// most probable tokens that holds at least the share p of the candidates' probability. 1: all.
inline void keep_top_p(Candidates& candidates, float p) {
  if (p < 1) keep_share(candidates, p, is_better);
}

}  // namespace burin::runtime
