#pragma once

#include "runtime/sampling/candidates.hpp"
#include "runtime/sampling/random.hpp"

namespace burin::runtime {

// Exclude Top Choices (p-e-w, text-generation-webui pull request 6335, 2024): with the given probability, of the tokens
// that are at least as probable as the threshold all but the least probable one go, so that texts leave trodden
// paths but still make sense. Off for a probability of 0 and a threshold above 0.5, of which only one token can be.
// Draws a random number where it is on and there are two candidates, also where it then removes nothing.
void exclude_top_choices(Candidates& candidates, float probability, float threshold, SplitMix64& random);

}  // namespace burin::runtime
