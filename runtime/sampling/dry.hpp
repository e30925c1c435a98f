// Tokens that would go on repeating what was said before become less probable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/sampling/options.hpp"
#include "runtime/sampling/recent_tokens.hpp"
#include "runtime/sampling/sequence_breakers.hpp"

namespace burin::runtime {

// DRY, "don't repeat yourself" (p-e-w, text-generation-webui pull request 5677, 2024). Where the end of the text,
// of n tokens, stood in the text before, the token that followed there gets
//
//     logit - multiplier * base^(n - allowed_length)      for n >= allowed_length
//
//     ... a b c d ... a b c     n = 3: d is penalised
//
// with the longest such n. Only the last `dry_penalty_last_n` tokens count, n does not reach back over a sequence
// breaker, and a token that is one is not penalised. The penalty is at most the multiplier times the largest power
// that a float holds.
//
// After construction it allocates nothing. Not thread-safe.
class Dry {
 public:
  Dry(const SamplingOptions& options, std::size_t vocabulary,
      std::shared_ptr<const SequenceBreakers> breakers);
  void apply(std::span<float> logits, const RecentTokens& recent);  // one per token of the vocabulary

 private:
  void find_repeats(const RecentTokens& recent, std::size_t count);
  void note_followers(const RecentTokens& recent, std::size_t count, std::size_t most);

  float multiplier_;
  float base_;
  std::size_t allowed_;
  std::size_t window_;
  std::shared_ptr<const SequenceBreakers> breakers_;
  std::vector<std::size_t> repeats_;    // by how many tokens back a repeat ends: its length
  std::vector<std::uint32_t> longest_;  // per token: of the repeats it would go on; 0 outside apply()
  std::vector<TokenId> followers_;      // tokens with such a length
};

}  // namespace burin::runtime
