#include "runtime/sampling/dry.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {
namespace {

// The largest power of the base that a float holds.
float capped_power(float base, std::size_t exponent) {
  return static_cast<float>(
      std::min(std::pow(static_cast<double>(base), static_cast<double>(exponent)), 3.0e38));
}

}  // namespace

Dry::Dry(const SamplingOptions& options, std::size_t vocabulary,
         std::shared_ptr<const SequenceBreakers> breakers)
    : multiplier_(options.dry_multiplier),
      base_(options.dry_base),
      allowed_(static_cast<std::size_t>(options.dry_allowed_length)),
      window_(static_cast<std::size_t>(options.dry_penalty_last_n)),
      breakers_(std::move(breakers)),
      repeats_(window_),
      longest_(vocabulary) {
  followers_.reserve(std::min(window_, vocabulary));
}

void Dry::apply(std::span<float> logits, const RecentTokens& recent) {
  const std::size_t count = std::min(recent.size(), window_);
  if (count <= allowed_) return;
  const std::size_t most = breakers_->tokens_behind_last(recent, count);
  if (most < allowed_) return;
  find_repeats(recent, count);
  note_followers(recent, count, most);
  for (const TokenId token : followers_) {
    std::uint32_t& length = longest_[static_cast<std::size_t>(token)];
    float& logit = logits[static_cast<std::size_t>(token)];
    if (logit >= -kLargestLogit && !breakers_->is_one(token))
      logit = std::clamp(logit - multiplier_ * capped_power(base_, length - allowed_), -kLargestLogit,
                         kLargestLogit);
    length = 0;
  }
  followers_.clear();
}

// The Z-algorithm on the text read backwards: repeats_[k] is how many tokens up to the one k back are those up to the
// last one. [left, right) is the match found so far that reaches furthest; inside it the answer is known from what it
// repeats.
void Dry::find_repeats(const RecentTokens& recent, std::size_t count) {
  std::size_t left = 0;
  std::size_t right = 0;
  for (std::size_t k = 1; k < count; ++k) {
    std::size_t length = k < right ? std::min(repeats_[k - left], right - k) : 0;
    while (k + length < count && recent.from_end(length) == recent.from_end(k + length)) ++length;
    repeats_[k] = length;
    if (k + length > right) {
      left = k;
      right = k + length;
    }
  }
}

void Dry::note_followers(const RecentTokens& recent, std::size_t count, std::size_t most) {
  for (std::size_t k = 1; k < count; ++k) {
    const std::size_t length = std::min(repeats_[k], most);
    if (length < allowed_) continue;
    const TokenId follower = recent.from_end(k - 1);
    std::uint32_t& longest = longest_[static_cast<std::size_t>(follower)];
    if (longest == 0) followers_.push_back(follower);
    longest = std::max(longest, static_cast<std::uint32_t>(length));
  }
}

}  // namespace burin::runtime
