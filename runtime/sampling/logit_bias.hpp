// Numbers that are added to logits of single tokens.
#pragma once

#include <span>

#include "runtime/sampling/options.hpp"

namespace burin::runtime {

// Throws burin::Error naming a token that is outside the vocabulary.
void check_logit_biases(std::span<const LogitBias> biases, std::size_t vocabulary);
// A bias of -inf bans its token; NaN and -inf stay what they are.
void add_logit_biases(std::span<float> logits, std::span<const LogitBias> biases);

}  // namespace burin::runtime
