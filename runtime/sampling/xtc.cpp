#include "runtime/sampling/xtc.hpp"

namespace burin::runtime {

void exclude_top_choices(Candidates& candidates, float probability, float threshold, SplitMix64& random) {
  if (probability <= 0 || threshold > 0.5f || candidates.size() < 2) return;
  if (random.next_unit() > probability) return;
  const double log_total = spread(candidates).log_total;
  const auto is_top = [&](const Candidate& candidate) {
    return std::exp(candidate.logit - log_total) >= threshold;
  };
  const Candidate* least = nullptr;
  for (const Candidate& candidate : candidates)
    if (is_top(candidate) && (least == nullptr || is_better(*least, candidate))) least = &candidate;
  if (least == nullptr) return;
  const TokenId stays = least->id;
  std::erase_if(candidates, [&](const Candidate& c) { return c.id != stays && is_top(c); });
}

}  // namespace burin::runtime
