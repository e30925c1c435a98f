// Tokens that came up lately become less probable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/sampling/options.hpp"
#include "runtime/sampling/recent_tokens.hpp"

namespace burin::runtime {

// - Repeat penalty (Keskar et al., "CTRL", 2019): the logit of every token among the last `repeat_last` ones is
//   divided by it where positive, else multiplied (the paper only divides, which would favour negative ones);
//   once, however often the token occurs.
// - Presence and frequency penalty (OpenAI's API): the logit becomes smaller by the presence penalty, and by the
//   frequency penalty times the number of uses.
//
// After construction it allocates nothing. Not thread-safe.
class Penalties {
 public:
  Penalties(const SamplingOptions& options, std::size_t vocabulary);
  // Before `token` is put behind the `recent` ones.
  void accept(TokenId token, const RecentTokens& recent);
  void apply(std::span<float> logits) const;  // one per token of the vocabulary

 private:
  float repeat_;
  float presence_;
  float frequency_;
  std::size_t window_;              // how many tokens back
  std::vector<std::int32_t> uses_;  // per token: how often it is in the window
};

}  // namespace burin::runtime
