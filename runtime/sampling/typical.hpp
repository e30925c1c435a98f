#pragma once

#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {

// Locally typical sampling (Meister et al., "Locally Typical Sampling", 2022): tokens are taken in the order of how
// little their surprise, -log p, differs from the entropy, until they hold at least the share p of the candidates'
// probability. That can leave out the most probable one. 1: all. (llama.cpp wants more than the share, which
// differs only where the sum meets it exactly.)
inline void keep_typical(Candidates& candidates, float p) {
  if (p >= 1) return;
  const Spread all = spread(candidates);
  // -log p is log_total - logit, so this logit's surprise is the entropy.
  const double typical = all.log_total - all.entropy;
  keep_share(candidates, p, [typical](const Candidate& a, const Candidate& b) {
    const double from_a = std::abs(a.logit - typical);
    const double from_b = std::abs(b.logit - typical);
    return from_a != from_b ? from_a < from_b : is_better(a, b);
  });
}

}  // namespace burin::runtime
