// The most probable ways in which beams go on by one token.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct BeamCandidate {
  double log_probability = 0;  // of the beam's tokens and this one
  std::size_t beam = 0;
  TokenId token = 0;
};

// The `count` best of all beams' candidates, best first; equal ones in the order of beams, then of tokens. A token's
// log-probability is its logit less the log of the sum of all exp(logit), in float64.
//
// log_probabilities  of the beams so far
// logits             a row per beam, of the same length
// banned             tokens that are left out; the others do not get their share
//
// NaN counts as -inf, and what is -inf is no candidate; +inf counts as the largest float. Throws burin::Error where a
// row has nothing else.
std::vector<BeamCandidate> best_candidates(std::span<const double> log_probabilities,
                                           std::span<const std::span<const float>> logits,
                                           std::span<const TokenId> banned, std::size_t count);

}  // namespace burin::runtime
