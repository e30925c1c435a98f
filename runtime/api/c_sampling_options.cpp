#include "runtime/api/c_options.hpp"
#include "runtime/api/c_support.hpp"

namespace burin::api {
namespace {

burin_sampling_options default_sampling_options() {
  const SamplingOptions options;
  auto c = sized<burin_sampling_options>();
  c.temperature = options.temperature;
  c.top_k = options.top_k;
  c.top_p = options.top_p;
  c.min_p = options.min_p;
  c.repeat_penalty = options.repeat_penalty;
  c.repeat_last = options.repeat_last;
  c.seed = options.seed;
  c.presence_penalty = options.presence_penalty;
  c.frequency_penalty = options.frequency_penalty;
  c.typical = options.typical;
  c.xtc_probability = options.xtc_probability;
  c.xtc_threshold = options.xtc_threshold;
  c.dynatemp_range = options.dynatemp_range;
  c.dynatemp_exponent = options.dynatemp_exponent;
  c.dry_multiplier = options.dry_multiplier;
  c.dry_base = options.dry_base;
  c.dry_allowed_length = options.dry_allowed_length;
  c.dry_penalty_last_n = options.dry_penalty_last_n;
  c.mirostat = options.mirostat;
  c.mirostat_tau = options.mirostat_tau;
  c.mirostat_eta = options.mirostat_eta;
  return c;
}

}  // namespace

SamplingOptions options_of(const burin_sampling_options* given) {
  SamplingOptions options;
  if (given == nullptr) return options;
  const burin_sampling_options c = known_part(*given, default_sampling_options(), "sampling");
  options.temperature = c.temperature;
  options.top_k = c.top_k;
  options.top_p = c.top_p;
  options.min_p = c.min_p;
  options.repeat_penalty = c.repeat_penalty;
  options.repeat_last = c.repeat_last;
  options.seed = c.seed;
  options.presence_penalty = c.presence_penalty;
  options.frequency_penalty = c.frequency_penalty;
  options.typical = c.typical;
  options.xtc_probability = c.xtc_probability;
  options.xtc_threshold = c.xtc_threshold;
  options.dynatemp_range = c.dynatemp_range;
  options.dynatemp_exponent = c.dynatemp_exponent;
  options.dry_multiplier = c.dry_multiplier;
  options.dry_base = c.dry_base;
  options.dry_allowed_length = c.dry_allowed_length;
  options.dry_penalty_last_n = c.dry_penalty_last_n;
  options.mirostat = c.mirostat;
  options.mirostat_tau = c.mirostat_tau;
  options.mirostat_eta = c.mirostat_eta;
  if (c.dry_sequence_breakers != nullptr || c.dry_sequence_breaker_count > 0)
    options.dry_sequence_breakers =
        texts(c.dry_sequence_breakers, c.dry_sequence_breaker_count, "dry_sequence_breakers");
  const auto tokens = array_of(c.logit_bias_tokens, c.logit_bias_count, "logit_bias_tokens");
  const auto biases = array_of(c.logit_biases, c.logit_bias_count, "logit_biases");
  for (std::size_t i = 0; i < tokens.size(); ++i) options.logit_bias.push_back({tokens[i], biases[i]});
  if (c.grammar != nullptr) options.grammar = c.grammar;
  if (c.json_schema != nullptr) options.json_schema = c.json_schema;
  return options;
}

}  // namespace burin::api

burin_status burin_sampling_options_init(burin_sampling_options* options, size_t size) {
  return burin::api::initialise(options, size, burin::api::default_sampling_options());
}
