#include "runtime/sampling/mirostat.hpp"

namespace burin::runtime {
namespace {

// Those that are at most so surprising at the temperature, and the best.
void keep_surprise(Candidates& candidates, double temperature, double most_bits) {
  const double top = top_logit(candidates);
  double total = 0;
  for (const Candidate& candidate : candidates) total += std::exp((candidate.logit - top) / temperature);
  const double log_total = std::log(total);
  const TokenId best = std::min_element(candidates.begin(), candidates.end(), is_better)->id;
  std::erase_if(candidates, [&](const Candidate& candidate) {
    const double nats = log_total - (candidate.logit - top) / temperature;
    return candidate.id != best && nats / std::log(2.0) > most_bits;
  });
}

}  // namespace

TokenId Mirostat::pick(Candidates& candidates, float temperature, SplitMix64& random,
                       std::vector<double>& weights) {
  if (temperature > 0) keep_surprise(candidates, temperature, mu_);
  const Drawn drawn = draw(candidates, temperature, random, weights);
  const double surprise = -std::log2(drawn.probability);
  mu_ -= static_cast<float>(eta_ * (surprise - tau_));
  return drawn.token;
}

}  // namespace burin::runtime
