#include "runtime/api/states.hpp"
#include "runtime/sampling/model_vocabulary.hpp"
#include "runtime/sampling/schema/json_schema.hpp"

namespace burin::api {
namespace {

runtime::SamplingOptions sampling_options(const SamplingOptions& options) {
  runtime::SamplingOptions own;
  own.temperature = options.temperature;
  own.top_k = options.top_k;
  own.top_p = options.top_p;
  own.min_p = options.min_p;
  own.repeat_penalty = options.repeat_penalty;
  own.repeat_last = options.repeat_last;
  own.seed = options.seed;
  own.presence_penalty = options.presence_penalty;
  own.frequency_penalty = options.frequency_penalty;
  own.typical = options.typical;
  own.xtc_probability = options.xtc_probability;
  own.xtc_threshold = options.xtc_threshold;
  own.dynatemp_range = options.dynatemp_range;
  own.dynatemp_exponent = options.dynatemp_exponent;
  own.dry_multiplier = options.dry_multiplier;
  own.dry_base = options.dry_base;
  own.dry_allowed_length = options.dry_allowed_length;
  own.dry_penalty_last_n = options.dry_penalty_last_n;
  own.dry_sequence_breakers = options.dry_sequence_breakers;
  own.mirostat = options.mirostat;
  own.mirostat_tau = options.mirostat_tau;
  own.mirostat_eta = options.mirostat_eta;
  for (const auto& [token, bias] : options.logit_bias) own.logit_bias.push_back({token, bias});
  own.grammar = options.grammar;
  if (!options.json_schema.empty()) {
    if (!options.grammar.empty())
      refuse(ErrorCode::invalid_argument, "json_schema: it stands beside a grammar: give one of them");
    own.grammar = runtime::grammar_of_json_schema(options.json_schema);
  }
  return own;
}

}  // namespace

runtime::Sampler make_sampler(const SamplingOptions& options, const runtime::Model& model) {
  return with_code(ErrorCode::invalid_argument, [&] {
    return runtime::Sampler(sampling_options(options), runtime::vocabulary_of(model));
  });
}

}  // namespace burin::api
