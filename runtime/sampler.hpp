// Picks the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct SamplingOptions {
  float temperature = 0.8f;  // 0: greedy
  int top_k = 40;            // 0: off
  float top_p = 0.95f;       // 1: off
  float min_p = 0.05f;       // 0: off
  float repeat_penalty = 1.0f;
  int repeat_last = 64;      // how many tokens back the penalty looks
  std::uint64_t seed = 0;
};

// Throws burin::Error naming the option that is out of range.
void validate(const SamplingOptions& options);

// Order as llama.cpp's users know it: penalty, top-k, top-p, min-p, temperature, draw. The same options and
// logits give the same tokens on every machine (own generator: PCG or splitmix; no std:: distributions).
// After construction sample() and accept() allocate nothing. Not thread-safe.
class Sampler {
 public:
  Sampler(const SamplingOptions& options, std::size_t vocabulary);
  TokenId sample(std::span<const float> logits);
  // Tells the sampler of a token that is now part of the text (prompt or sampled), for the penalty.
  void accept(TokenId token);

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };
  SamplingOptions options_;
  std::uint64_t state_;
  std::vector<Candidate> candidates_;
  std::vector<TokenId> recent_;  // ring
  std::size_t recent_count_ = 0;
};

}  // namespace burin::runtime
