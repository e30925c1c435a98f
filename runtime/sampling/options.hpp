// How the next token is picked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct LogitBias {
  TokenId token = 0;
  float bias = 0;  // added to its logit; -inf: never picked
};

// Names, defaults and meaning as llama.cpp's users know them; docs/SAMPLING.md tells what each step does.
struct SamplingOptions {
  float temperature = 0.8f;     // 0 to 100; 0: greedy
  int top_k = 40;               // 0: off
  float top_p = 0.95f;          // 0 to 1; 1: off, 0: the best token only
  float min_p = 0.05f;          // 0 to 1; 0: off
  float repeat_penalty = 1.0f;  // 0.01 to 100; 1: off
  int repeat_last = 64;         // how many tokens back the penalties look, up to 2^20; 0: off
  std::uint64_t seed = 0;

  float presence_penalty = 0;   // -100 to 100; 0: off
  float frequency_penalty = 0;  // -100 to 100, per use of the token; 0: off
  float typical = 1;            // 0 to 1; 1: off
  float xtc_probability = 0;    // 0 to 1; 0: off
  float xtc_threshold = 0.1f;   // 0 to 1; above 0.5: off
  float dynatemp_range = 0;     // 0 to 100, around `temperature`; 0: off
  float dynatemp_exponent = 1;  // 0 to 100
  float dry_multiplier = 0;     // 0 to 100; 0: off
  float dry_base = 1.75f;       // 1 to 100
  int dry_allowed_length = 2;   // 1 to 2^20
  int dry_penalty_last_n = 64;  // how many tokens back DRY looks, up to 2^20; 0: off
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};  // up to 64, of 1 to 40 bytes
  int mirostat = 0;                                                         // 0: off; 2: Mirostat 2.0
  float mirostat_tau = 5;                                                   // 0 to 100 bits
  float mirostat_eta = 0.1f;                                                // 0 to 1
  std::vector<LogitBias> logit_bias = {};  // up to 2^20; of several for one token, all are added
  std::string grammar = {};  // in GBNF, that the text follows (grammar/grammar.hpp); empty: any text
};

// Every step off: what the model finds likely, as likely as it finds it.
SamplingOptions plain_sampling();

bool has_penalties(const SamplingOptions& options);
bool has_dry(const SamplingOptions& options);
// How many of the last tokens sampling depends on.
std::size_t tokens_looked_back(const SamplingOptions& options);

// Throws burin::Error naming the option that is out of range, and its value.
void validate(const SamplingOptions& options);

}  // namespace burin::runtime
