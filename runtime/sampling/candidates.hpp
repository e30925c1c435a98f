// The tokens that can still be picked. Steps of sampling shorten the list; none adds to it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

inline constexpr float kLargestLogit = std::numeric_limits<float>::max();

struct Candidate {
  float logit;
  TokenId id;
};
using Candidates = std::vector<Candidate>;

// A strict total order, so that sorting has one result whatever the algorithm.
inline bool is_better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// Candidates in order of their ids, without those that can never be picked (NaN, -inf); +inf becomes the largest
// float. Allocates nothing where there is room for one per logit.
void load(Candidates& candidates, std::span<const float> logits);

// All below want at least one candidate.
float top_logit(const Candidates& candidates);

// Of the probabilities at temperature 1.
struct Spread {
  double log_total;  // log of the sum of exp(logit)
  double entropy;    // in nats
};
Spread spread(const Candidates& candidates);

// Puts those into [first, last) that belong there when sorted by `before`; all ahead of `first` are in place already.
template <typename Before>
void order_front(Candidates& candidates, std::size_t first, std::size_t last, const Before& before) {
  const auto at = [&](std::size_t index) { return candidates.begin() + static_cast<std::ptrdiff_t>(index); };
  if (last < candidates.size()) std::nth_element(at(first), at(last), candidates.end(), before);
  std::sort(at(first), at(last), before);
}

// Keeps the shortest run of candidates, sorted by `before`, whose probabilities add up to at least `share` of all.
// They are sorted in growing blocks until there are enough: a model that is sure of itself needs a handful of a
// hundred thousand.
template <typename Before>
void keep_share(Candidates& candidates, float share, const Before& before) {
  constexpr std::size_t kFirstBlock = 64;
  constexpr std::size_t kBlockGrowth = 4;
  // Summed before anything is moved: the order of the terms is part of the result.
  const double top = top_logit(candidates);
  double total = 0;
  for (const Candidate& candidate : candidates) total += std::exp(candidate.logit - top);

  const double wanted = static_cast<double>(share) * total;
  double sum = 0;
  std::size_t kept = 0;
  std::size_t ordered = 0;
  for (std::size_t block = kFirstBlock; kept < candidates.size(); block *= kBlockGrowth) {
    const std::size_t end = std::min(ordered + block, candidates.size());
    order_front(candidates, ordered, end, before);
    ordered = end;
    for (; kept < ordered; ++kept) {
      sum += std::exp(candidates[kept].logit - top);
      if (sum >= wanted) {
        candidates.resize(kept + 1);
        return;
      }
    }
  }
}

}  // namespace burin::runtime
