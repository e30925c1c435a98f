#include "runtime/sampling/penalties.hpp"

#include <algorithm>

#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {

Penalties::Penalties(const SamplingOptions& options, std::size_t vocabulary)
    : repeat_(options.repeat_penalty),
      presence_(options.presence_penalty),
      frequency_(options.frequency_penalty),
      window_(static_cast<std::size_t>(options.repeat_last)),
      uses_(vocabulary) {}

void Penalties::accept(TokenId token, const RecentTokens& recent) {
  if (window_ == 0) return;
  if (recent.size() >= window_) --uses_[static_cast<std::size_t>(recent.from_end(window_ - 1))];
  ++uses_[static_cast<std::size_t>(token)];
}

void Penalties::apply(std::span<float> logits) const {
  for (std::size_t id = 0; id < logits.size(); ++id) {
    float& logit = logits[id];
    if (uses_[id] == 0 || !(logit >= -kLargestLogit)) continue;
    logit = logit > 0 ? logit / repeat_ : logit * repeat_;
    logit -= static_cast<float>(uses_[id]) * frequency_ + presence_;
    logit = std::clamp(logit, -kLargestLogit, kLargestLogit);
  }
}

}  // namespace burin::runtime
