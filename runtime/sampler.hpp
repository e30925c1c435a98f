// Picks the next token from logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/random.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct SamplingOptions {
  float temperature = 0.8f;     // 0 to 100; 0: greedy
  int top_k = 40;               // 0: off
  float top_p = 0.95f;          // 0 to 1; 1: off, 0: the best token only
  float min_p = 0.05f;          // 0 to 1; 0: off
  float repeat_penalty = 1.0f;  // 0.01 to 100; 1: off
  int repeat_last = 64;         // how many tokens back the penalty looks, up to 2^20; 0: off
  std::uint64_t seed = 0;
};

// All that the next tokens depend on besides their logits.
struct SamplerState {
  SamplingOptions options;
  std::uint64_t random = 0;     // of the generator, which has moved on from options.seed
  std::vector<TokenId> recent;  // for the penalty, oldest first, at most options.repeat_last
};

// Throws burin::Error naming the option that is out of range.
void validate(const SamplingOptions& options);

// Order as llama.cpp's users know it: penalty, top-k, top-p, min-p, temperature, draw. The same options and
// logits give the same tokens on every machine (own generator, no std:: distributions).
//
// - Penalty (Keskar et al., "CTRL", 2019): the logit of every token among the last `repeat_last` accepted
//   ones is divided by it where positive, else multiplied; once, however often the token occurs.
// - Top-k keeps the k largest logits; top-p (Holtzman et al., 2019) the shortest run of the most probable
//   tokens that holds at least the share p; min-p (Nguyen et al., 2024) those at least min_p times as
//   probable as the best. Probabilities are those at temperature 1. Of equal logits the lower id is first.
// - Temperature 0 takes the largest logit after the penalty and draws no random number.
//
// NaN counts as -inf, and what is -inf is never picked; +inf counts as the largest float.
// After construction sample() and accept() allocate nothing. Not thread-safe.
class Sampler {
 public:
  // Throws burin::Error as validate() does, and for an empty vocabulary.
  Sampler(const SamplingOptions& options, std::size_t vocabulary);
  // Goes on where another one was when it gave this state. Throws likewise, also for tokens that cannot be there.
  Sampler(const SamplerState& state, std::size_t vocabulary);
  // `logits`: one per token of the vocabulary. Throws burin::Error for another count, or where all are -inf
  // or NaN.
  TokenId sample(std::span<const float> logits);
  // Tells the sampler of a token that is now part of the text (prompt or sampled), for the penalty. Throws
  // burin::Error for an id outside the vocabulary.
  void accept(TokenId token);
  SamplerState state() const;

 private:
  struct Candidate {
    float logit;
    TokenId id;
  };
  static bool is_better(const Candidate& a, const Candidate& b);

  void load(std::span<const float> logits);
  float adjusted(float logit, std::size_t id) const;
  float top_logit() const;
  TokenId best(std::span<const float> logits) const;
  void keep_top_k();
  void keep_top_p();
  void keep_min_p();
  TokenId draw();
  void order_front(std::size_t first, std::size_t last);

  SamplingOptions options_;
  SplitMix64 random_;
  std::vector<Candidate> candidates_;
  std::vector<double> weights_;  // of the candidates, while drawing
  std::vector<TokenId> recent_;  // ring of the last `repeat_last` tokens
  std::size_t recent_count_ = 0;
  std::vector<std::int32_t> recent_uses_;  // per token: how often it is in the ring
};

}  // namespace burin::runtime
