#include "runtime/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr int kMostRepeatLast = 1 << 20;
// Top-p orders the candidates in growing blocks until it has enough of them: a model that is sure of itself
// needs a handful of a hundred thousand.
constexpr std::size_t kFirstBlock = 64;
constexpr std::size_t kBlockGrowth = 4;

template <typename Number>
void check_range(std::string_view option, Number value, Number least, Number most) {
  const bool inside = value >= least && value <= most;  // false for NaN
  if (!inside) fail("{}: {} is out of range: give {} to {}", option, value, least, most);
}

[[noreturn]] void fail_without_candidates() {
  fail("sampler: all logits are NaN or -inf: the model or its weights are damaged");
}

}  // namespace

void validate(const SamplingOptions& options) {
  check_range("temperature", options.temperature, 0.0f, 100.0f);
  check_range("top_k", options.top_k, 0, std::numeric_limits<int>::max());
  check_range("top_p", options.top_p, 0.0f, 1.0f);
  check_range("min_p", options.min_p, 0.0f, 1.0f);
  check_range("repeat_penalty", options.repeat_penalty, 0.01f, 100.0f);
  check_range("repeat_last", options.repeat_last, 0, kMostRepeatLast);
}

Sampler::Sampler(const SamplingOptions& options, std::size_t vocabulary)
    : options_(options), random_(options.seed) {
  validate(options);
  if (vocabulary == 0 || vocabulary > static_cast<std::size_t>(std::numeric_limits<TokenId>::max())) {
    fail("sampler: a vocabulary of {} tokens cannot be sampled from: give 1 to {}", vocabulary,
         std::numeric_limits<TokenId>::max());
  }
  candidates_.reserve(vocabulary);
  weights_.reserve(vocabulary);
  recent_.resize(static_cast<std::size_t>(options.repeat_last));
  recent_uses_.resize(vocabulary);
}

Sampler::Sampler(const SamplerState& state, std::size_t vocabulary) : Sampler(state.options, vocabulary) {
  if (state.recent.size() > recent_.size())
    fail("sampler: {} recent tokens for a penalty that looks {} back: the state is damaged",
         state.recent.size(), recent_.size());
  random_ = SplitMix64(state.random);
  for (const TokenId token : state.recent) accept(token);
}

SamplerState Sampler::state() const {
  SamplerState state = {options_, random_.state(), {}};
  const std::size_t held = std::min(recent_count_, recent_.size());
  for (std::size_t i = recent_count_ - held; i < recent_count_; ++i)
    state.recent.push_back(recent_[i % recent_.size()]);
  return state;
}

TokenId Sampler::sample(std::span<const float> logits) {
  if (logits.size() != recent_uses_.size()) {
    fail("sampler: {} logits for a vocabulary of {}: give one per token", logits.size(), recent_uses_.size());
  }
  if (options_.temperature == 0) return best(logits);
  load(logits);
  keep_top_k();
  keep_top_p();
  keep_min_p();
  return draw();
}

void Sampler::accept(TokenId token) {
  if (token < 0 || static_cast<std::size_t>(token) >= recent_uses_.size()) {
    fail("sampler: token {} is outside the vocabulary of {}: give a token of this model", token,
         recent_uses_.size());
  }
  if (recent_.empty()) return;
  TokenId& place = recent_[recent_count_ % recent_.size()];
  if (recent_count_ >= recent_.size()) --recent_uses_[static_cast<std::size_t>(place)];
  place = token;
  ++recent_uses_[static_cast<std::size_t>(token)];
  ++recent_count_;
}

// A strict total order, so that sorting has one result whatever the algorithm.
bool Sampler::is_better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// Candidates in order of their ids, without those that can never be picked.
void Sampler::load(std::span<const float> logits) {
  candidates_.clear();
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const float logit = adjusted(logits[id], id);
    if (logit >= -kLargest) candidates_.push_back({logit, static_cast<TokenId>(id)});
  }
  if (candidates_.empty()) fail_without_candidates();
}

// The logit after the penalty; never +inf, and NaN or -inf only where it was so before.
float Sampler::adjusted(float logit, std::size_t id) const {
  if (!(logit >= -kLargest)) return logit;
  if (recent_uses_[id] == 0) return std::min(logit, kLargest);
  const float penalty = options_.repeat_penalty;
  return std::clamp(logit > 0 ? logit / penalty : logit * penalty, -kLargest, kLargest);
}

float Sampler::top_logit() const {
  return std::min_element(candidates_.begin(), candidates_.end(), is_better)->logit;
}

// The first of the largest; no comparison with NaN is true.
TokenId Sampler::best(std::span<const float> logits) const {
  Candidate best{-std::numeric_limits<float>::infinity(), -1};
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const float logit = adjusted(logits[id], id);
    if (logit > best.logit) best = {logit, static_cast<TokenId>(id)};
  }
  if (best.id < 0) fail_without_candidates();
  return best.id;
}

// Puts those into [first, last) that belong there in sorted order; all before `first` are in place already.
void Sampler::order_front(std::size_t first, std::size_t last) {
  const auto at = [this](std::size_t index) {
    return candidates_.begin() + static_cast<std::ptrdiff_t>(index);
  };
  if (last < candidates_.size()) std::nth_element(at(first), at(last), candidates_.end(), is_better);
  std::sort(at(first), at(last), is_better);
}

void Sampler::keep_top_k() {
  const auto count = static_cast<std::size_t>(options_.top_k);
  if (count == 0 || count >= candidates_.size()) return;
  order_front(0, count);
  candidates_.resize(count);
}

void Sampler::keep_top_p() {
  if (options_.top_p >= 1) return;
  // Summed before anything is moved: the order of the terms is part of the result.
  const double top = top_logit();
  double total = 0;
  for (const Candidate& candidate : candidates_) total += std::exp(candidate.logit - top);

  const double wanted = static_cast<double>(options_.top_p) * total;
  double sum = 0;
  std::size_t kept = 0;
  std::size_t ordered = 0;
  for (std::size_t block = kFirstBlock; kept < candidates_.size(); block *= kBlockGrowth) {
    const std::size_t end = std::min(ordered + block, candidates_.size());
    order_front(ordered, end);
    ordered = end;
    for (; kept < ordered; ++kept) {
      sum += std::exp(candidates_[kept].logit - top);
      if (sum >= wanted) {
        candidates_.resize(kept + 1);
        return;
      }
    }
  }
}

void Sampler::keep_min_p() {
  if (options_.min_p <= 0) return;
  const double top = top_logit();
  const double least = top + std::log(static_cast<double>(options_.min_p));
  std::erase_if(candidates_, [least](const Candidate& candidate) { return candidate.logit < least; });
}

TokenId Sampler::draw() {
  const double top = top_logit();
  weights_.clear();
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(std::exp((candidate.logit - top) / options_.temperature));
    total += weights_.back();
  }
  // Walks the weights laid end to end up to a random point. Rounding can put the point behind all of them:
  // then it is the last token whose weight is not zero.
  double left = random_.next_unit() * total;
  std::size_t picked = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] == 0) continue;
    picked = i;
    if (left < weights_[i]) break;
    left -= weights_[i];
  }
  return candidates_[picked].id;
}

}  // namespace burin::runtime
