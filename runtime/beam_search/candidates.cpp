#include "runtime/beam_search/candidates.hpp"

#include <algorithm>

#include "jit/error.hpp"
#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {
namespace {

bool is_more_probable(const BeamCandidate& a, const BeamCandidate& b) {
  if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
  return a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
}

// The best of one row, best first.
void load_best(Candidates& row, std::span<const TokenId> banned, std::size_t count) {
  std::erase_if(row, [&](const Candidate& candidate) {
    return std::find(banned.begin(), banned.end(), candidate.id) != banned.end();
  });
  const std::size_t best = std::min(count, row.size());
  order_front(row, 0, best, is_better);
  row.resize(best);
}

}  // namespace

std::vector<BeamCandidate> best_candidates(std::span<const double> log_probabilities,
                                           std::span<const std::span<const float>> logits,
                                           std::span<const TokenId> banned, std::size_t count) {
  std::vector<BeamCandidate> all;
  Candidates row;
  for (std::size_t beam = 0; beam < logits.size(); ++beam) {
    load(row, logits[beam]);
    if (row.empty()) fail("beam search: all logits are NaN or -inf: the model is damaged");
    const double log_total = spread(row).log_total;
    load_best(row, banned, count);
    for (const Candidate& candidate : row)
      all.push_back({log_probabilities[beam] + (candidate.logit - log_total), beam, candidate.id});
  }
  std::sort(all.begin(), all.end(), is_more_probable);
  all.resize(std::min(count, all.size()));
  return all;
}

}  // namespace burin::runtime
