#pragma once

#include <vector>

#include "runtime/sampling/candidates.hpp"
#include "runtime/sampling/random.hpp"

namespace burin::runtime {

struct Drawn {
  TokenId token;
  double probability;  // among the candidates, at the temperature
};

// One candidate, as probable as softmax(logit / temperature) says; temperature 0: the best, without a random number.
// `weights` is scratch; with room for one per candidate nothing is allocated.
Drawn draw(const Candidates& candidates, float temperature, SplitMix64& random, std::vector<double>& weights);

}  // namespace burin::runtime
