#include "runtime/sampling/logit_bias.hpp"

#include <algorithm>

#include "jit/error.hpp"
#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {

void check_logit_biases(std::span<const LogitBias> biases, std::size_t vocabulary) {
  for (const auto& [token, bias] : biases)
    if (token < 0 || static_cast<std::size_t>(token) >= vocabulary)
      fail("logit_bias: token {} is outside the vocabulary: give 0 to {}", token, vocabulary - 1);
}

void add_logit_biases(std::span<float> logits, std::span<const LogitBias> biases) {
  for (const auto& [token, bias] : biases) {
    float& logit = logits[static_cast<std::size_t>(token)];
    if (!(logit >= -kLargestLogit)) continue;
    const bool bans = !(bias >= -kLargestLogit);
    logit = bans ? bias : std::clamp(logit + bias, -kLargestLogit, kLargestLogit);
  }
}

}  // namespace burin::runtime
