#include "runtime/sampling/draw.hpp"

namespace burin::runtime {

Drawn draw(const Candidates& candidates, float temperature, SplitMix64& random,
           std::vector<double>& weights) {
  if (temperature <= 0) return {std::min_element(candidates.begin(), candidates.end(), is_better)->id, 1};
  const double top = top_logit(candidates);
  weights.clear();
  double total = 0;
  for (const Candidate& candidate : candidates) {
    weights.push_back(std::exp((candidate.logit - top) / temperature));
    total += weights.back();
  }
  // Walks the weights laid end to end up to a random point. Rounding can put the point behind all of them:
  // then it is the last token whose weight is not zero.
  double left = random.next_unit() * total;
  std::size_t picked = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    picked = i;
    if (left < weights[i]) break;
    left -= weights[i];
  }
  return {candidates[picked].id, weights[picked] / total};
}

}  // namespace burin::runtime
