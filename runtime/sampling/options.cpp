#include "runtime/sampling/options.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "jit/error.hpp"
#include "runtime/sampling/check_range.hpp"
#include "runtime/sampling/grammar/grammar.hpp"

namespace burin::runtime {
namespace {

constexpr int kMostTokensBack = 1 << 20;
constexpr std::size_t kMostBreakers = 64;
constexpr std::size_t kLongestBreaker = 40;  // in bytes
constexpr std::size_t kMostBiases = std::size_t{1} << 20;

void check_penalties(const SamplingOptions& options) {
  check_range("repeat_penalty", options.repeat_penalty, 0.01f, 100.0f);
  check_range("repeat_last", options.repeat_last, 0, kMostTokensBack);
  check_range("presence_penalty", options.presence_penalty, -100.0f, 100.0f);
  check_range("frequency_penalty", options.frequency_penalty, -100.0f, 100.0f);
}

void check_filters(const SamplingOptions& options) {
  check_range("top_k", options.top_k, 0, std::numeric_limits<int>::max());
  check_range("top_p", options.top_p, 0.0f, 1.0f);
  check_range("min_p", options.min_p, 0.0f, 1.0f);
  check_range("typical", options.typical, 0.0f, 1.0f);
  check_range("xtc_probability", options.xtc_probability, 0.0f, 1.0f);
  check_range("xtc_threshold", options.xtc_threshold, 0.0f, 1.0f);
}

void check_dry(const SamplingOptions& options) {
  check_range("dry_multiplier", options.dry_multiplier, 0.0f, 100.0f);
  check_range("dry_base", options.dry_base, 1.0f, 100.0f);
  check_range("dry_allowed_length", options.dry_allowed_length, 1, kMostTokensBack);
  check_range("dry_penalty_last_n", options.dry_penalty_last_n, 0, kMostTokensBack);
  if (options.dry_sequence_breakers.size() > kMostBreakers)
    fail("dry_sequence_breakers: {} are too many: give up to {}", options.dry_sequence_breakers.size(),
         kMostBreakers);
  for (const std::string& breaker : options.dry_sequence_breakers)
    if (breaker.empty() || breaker.size() > kLongestBreaker)
      fail("dry_sequence_breakers: one has {} bytes: give texts of 1 to {}", breaker.size(), kLongestBreaker);
}

void check_mirostat(const SamplingOptions& options) {
  if (options.mirostat != 0 && options.mirostat != 2)
    fail("mirostat: {} is not supported: give 2 (Mirostat 2.0), or 0 for none", options.mirostat);
  check_range("mirostat_tau", options.mirostat_tau, 0.0f, 100.0f);
  check_range("mirostat_eta", options.mirostat_eta, 0.0f, 1.0f);
}

void check_biases(const std::vector<LogitBias>& biases) {
  if (biases.size() > kMostBiases)
    fail("logit_bias: {} are too many: give up to {}", biases.size(), kMostBiases);
  for (const auto& [token, bias] : biases)
    if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity())
      fail("logit_bias: {} of token {} is out of range: give a number, or -inf to ban it", bias, token);
}

}  // namespace

SamplingOptions plain_sampling() {
  SamplingOptions options;
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  return options;
}

bool has_penalties(const SamplingOptions& options) {
  return options.repeat_last > 0 &&
         (options.repeat_penalty != 1 || options.presence_penalty != 0 || options.frequency_penalty != 0);
}

bool has_dry(const SamplingOptions& options) {
  return options.dry_multiplier > 0 && options.dry_penalty_last_n > 0;
}

std::size_t tokens_looked_back(const SamplingOptions& options) {
  return static_cast<std::size_t>(
      std::max(options.repeat_last, has_dry(options) ? options.dry_penalty_last_n : 0));
}

void validate(const SamplingOptions& options) {
  check_range("temperature", options.temperature, 0.0f, 100.0f);
  check_range("dynatemp_range", options.dynatemp_range, 0.0f, 100.0f);
  check_range("dynatemp_exponent", options.dynatemp_exponent, 0.0f, 100.0f);
  check_filters(options);
  check_penalties(options);
  check_dry(options);
  check_mirostat(options);
  check_biases(options.logit_bias);
  if (!options.grammar.empty()) parse_grammar(options.grammar);
}

}  // namespace burin::runtime
