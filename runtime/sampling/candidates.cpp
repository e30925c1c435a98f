#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {

void load(Candidates& candidates, std::span<const float> logits) {
  candidates.clear();
  for (std::size_t id = 0; id < logits.size(); ++id)
    if (logits[id] >= -kLargestLogit)
      candidates.push_back({std::min(logits[id], kLargestLogit), static_cast<TokenId>(id)});
}

float top_logit(const Candidates& candidates) {
  return std::min_element(candidates.begin(), candidates.end(), is_better)->logit;
}

Spread spread(const Candidates& candidates) {
  const double top = top_logit(candidates);
  double total = 0;
  double weighted = 0;  // sum of weight * log of weight
  for (const Candidate& candidate : candidates) {
    const double above = candidate.logit - top;
    const double weight = std::exp(above);
    total += weight;
    if (weight > 0) weighted += weight * above;
  }
  return {top + std::log(total), std::log(total) - weighted / total};
}

}  // namespace burin::runtime
