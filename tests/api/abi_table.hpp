// Sizes and offsets of the C ABI, as this compiler has them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "burin/burin.h"

namespace burin::tests {

struct AbiField {
  const char* name;
  std::size_t offset;
  std::size_t size;
};

struct AbiStruct {
  const char* name;
  std::size_t size;
  std::vector<AbiField> fields;
};

#define BURIN_ABI_FIELD(type, field) \
  { #field, offsetof(type, field), sizeof(type::field) }

inline std::vector<AbiStruct> abi_structs() {
  using executor = burin_executor;
  using quantization = burin_quantization;
  using load = burin_load_options;
  using sampling = burin_sampling_options;
  using session = burin_session_options;
  using beams = burin_beam_search_options;
  using generation = burin_generation_options;
  using result = burin_generation;
  return {
      {"burin_executor",
       sizeof(executor),
       {BURIN_ABI_FIELD(executor, size), BURIN_ABI_FIELD(executor, self),
        BURIN_ABI_FIELD(executor, concurrency), BURIN_ABI_FIELD(executor, run),
        BURIN_ABI_FIELD(executor, release)}},
      {"burin_quantization",
       sizeof(quantization),
       {BURIN_ABI_FIELD(quantization, size), BURIN_ABI_FIELD(quantization, compute_dtype),
        BURIN_ABI_FIELD(quantization, weight_dtype), BURIN_ABI_FIELD(quantization, scheme),
        BURIN_ABI_FIELD(quantization, scale_dtype), BURIN_ABI_FIELD(quantization, group_size)}},
      {"burin_load_options",
       sizeof(load),
       {BURIN_ABI_FIELD(load, size), BURIN_ABI_FIELD(load, threads), BURIN_ABI_FIELD(load, emit),
        BURIN_ABI_FIELD(load, context), BURIN_ABI_FIELD(load, chunk), BURIN_ABI_FIELD(load, target),
        BURIN_ABI_FIELD(load, compute), BURIN_ABI_FIELD(load, kv), BURIN_ABI_FIELD(load, cache_folder),
        BURIN_ABI_FIELD(load, kernel_bundles), BURIN_ABI_FIELD(load, kernel_bundle_count),
        BURIN_ABI_FIELD(load, quantization), BURIN_ABI_FIELD(load, executor), BURIN_ABI_FIELD(load, user),
        BURIN_ABI_FIELD(load, on_progress), BURIN_ABI_FIELD(load, should_cancel),
        BURIN_ABI_FIELD(load, on_log), BURIN_ABI_FIELD(load, kept_weights)}},
      {"burin_sampling_options",
       sizeof(sampling),
       {BURIN_ABI_FIELD(sampling, size),
        BURIN_ABI_FIELD(sampling, temperature),
        BURIN_ABI_FIELD(sampling, top_k),
        BURIN_ABI_FIELD(sampling, top_p),
        BURIN_ABI_FIELD(sampling, min_p),
        BURIN_ABI_FIELD(sampling, repeat_penalty),
        BURIN_ABI_FIELD(sampling, repeat_last),
        BURIN_ABI_FIELD(sampling, seed),
        BURIN_ABI_FIELD(sampling, presence_penalty),
        BURIN_ABI_FIELD(sampling, frequency_penalty),
        BURIN_ABI_FIELD(sampling, typical),
        BURIN_ABI_FIELD(sampling, xtc_probability),
        BURIN_ABI_FIELD(sampling, xtc_threshold),
        BURIN_ABI_FIELD(sampling, dynatemp_range),
        BURIN_ABI_FIELD(sampling, dynatemp_exponent),
        BURIN_ABI_FIELD(sampling, dry_multiplier),
        BURIN_ABI_FIELD(sampling, dry_base),
        BURIN_ABI_FIELD(sampling, dry_allowed_length),
        BURIN_ABI_FIELD(sampling, dry_penalty_last_n),
        BURIN_ABI_FIELD(sampling, mirostat),
        BURIN_ABI_FIELD(sampling, dry_sequence_breakers),
        BURIN_ABI_FIELD(sampling, dry_sequence_breaker_count),
        BURIN_ABI_FIELD(sampling, mirostat_tau),
        BURIN_ABI_FIELD(sampling, mirostat_eta),
        BURIN_ABI_FIELD(sampling, logit_bias_tokens),
        BURIN_ABI_FIELD(sampling, logit_biases),
        BURIN_ABI_FIELD(sampling, logit_bias_count),
        BURIN_ABI_FIELD(sampling, grammar),
        BURIN_ABI_FIELD(sampling, json_schema)}},
      {"burin_session_options",
       sizeof(session),
       {BURIN_ABI_FIELD(session, size), BURIN_ABI_FIELD(session, sampling), BURIN_ABI_FIELD(session, endless),
        BURIN_ABI_FIELD(session, reserve_memory), BURIN_ABI_FIELD(session, keep),
        BURIN_ABI_FIELD(session, discard)}},
      {"burin_beam_search_options",
       sizeof(beams),
       {BURIN_ABI_FIELD(beams, size), BURIN_ABI_FIELD(beams, beams), BURIN_ABI_FIELD(beams, early_stopping),
        BURIN_ABI_FIELD(beams, length_penalty), BURIN_ABI_FIELD(beams, min_new_tokens)}},
      {"burin_generation_options",
       sizeof(generation),
       {BURIN_ABI_FIELD(generation, size), BURIN_ABI_FIELD(generation, max_new_tokens),
        BURIN_ABI_FIELD(generation, sampling), BURIN_ABI_FIELD(generation, stops),
        BURIN_ABI_FIELD(generation, stop_count), BURIN_ABI_FIELD(generation, user),
        BURIN_ABI_FIELD(generation, on_token), BURIN_ABI_FIELD(generation, beam_search),
        BURIN_ABI_FIELD(generation, on_beam)}},
      {"burin_generation",
       sizeof(result),
       {BURIN_ABI_FIELD(result, size), BURIN_ABI_FIELD(result, token_count), BURIN_ABI_FIELD(result, reason),
        BURIN_ABI_FIELD(result, reserved), BURIN_ABI_FIELD(result, prefill_seconds),
        BURIN_ABI_FIELD(result, decode_seconds)}},
  };
}

#undef BURIN_ABI_FIELD

}  // namespace burin::tests
