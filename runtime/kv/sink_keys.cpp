#include "runtime/kv/sink_keys.hpp"

#include <algorithm>

#include "templates/heads/stored_key.hpp"

namespace burin::runtime {
namespace {

std::vector<int> ropes_of_layers(const graph::Plan& plan) {
  std::vector<int> ropes(static_cast<std::size_t>(plan.layers), -1);
  for (const graph::Step& step : plan.decode)
    if (step.layer >= 0 && step.rope >= 0) ropes[static_cast<std::size_t>(step.layer)] = step.rope;
  for (int& rope : ropes)
    if (rope >= 0 && plan.ropes[static_cast<std::size_t>(rope)].inverse_frequencies.empty()) rope = -1;
  return ropes;
}

// to = from, each pair (x0, x1) turned as a complex number.
void turn(std::span<const float> from, std::span<const std::complex<double>> turns, std::span<float> to) {
  std::copy(from.begin(), from.end(), to.begin());
  for (std::size_t pair = 0; pair < turns.size() && 2 * pair < from.size(); ++pair) {
    const auto x0 = static_cast<double>(from[2 * pair]);
    const auto x1 = static_cast<double>(from[2 * pair + 1]);
    const double cosine = turns[pair].real();
    const double sine = turns[pair].imag();
    to[2 * pair] = static_cast<float>(x0 * cosine - x1 * sine);
    to[2 * pair + 1] = static_cast<float>(x0 * sine + x1 * cosine);
  }
}

}  // namespace

SinkKeys::SinkKeys(const graph::Plan& plan, std::int64_t keep)
    : heads_(plan.heads), keep_(keep), ropes_(ropes_of_layers(plan)) {
  const auto key = static_cast<std::size_t>(2 * heads_.pairs());
  const auto rotating = static_cast<std::size_t>(
      std::count_if(ropes_.begin(), ropes_.end(), [](int rope) { return rope >= 0; }));
  originals_.resize(rotating * static_cast<std::size_t>(heads_.kv_heads * keep) * key);
  turned_.resize(key);
  for (const graph::RopeAttributes& rope : plan.ropes) turns_.emplace_back(rope.inverse_frequencies.size());
}

template <typename Body>
void SinkKeys::for_each_key(KvCache& cache, const Body& body) {
  float* key = originals_.data();
  for (std::size_t layer = 0; layer < ropes_.size(); ++layer) {
    if (ropes_[layer] < 0) continue;
    const int number = static_cast<int>(layer);
    for (int head = 0; head < heads_.kv_heads; ++head)
      for (std::int64_t sink = 0; sink < keep_; ++sink) {
        std::byte* part = cache.blocks(number)[sink / kernels::kKvBlock] + cache.layer_offset(number) +
                          std::int64_t{head} * heads_.kv_block_bytes();
        body(layer, part, static_cast<int>(sink % kernels::kKvBlock), std::span(key, turned_.size()));
        key += turned_.size();
      }
  }
}

void SinkKeys::move(KvCache& cache, std::span<const std::vector<double>> frequencies, std::int64_t removed) {
  if (originals_.empty()) return;
  for (std::size_t rope = 0; rope < turns_.size(); ++rope)
    for (std::size_t pair = 0; pair < turns_[rope].size(); ++pair)
      turns_[rope][pair] = std::polar(1.0, static_cast<double>(removed) * frequencies[rope][pair]);
  cache.own_sinks();
  if (!known_)
    for_each_key(cache, [&](std::size_t, const std::byte* part, int slot, std::span<float> key) {
      kernels::read_key(heads_, part, slot, key);
    });
  known_ = true;
  for_each_key(cache, [&](std::size_t layer, std::byte* part, int slot, std::span<const float> key) {
    turn(key, turns_[static_cast<std::size_t>(ropes_[layer])], turned_);
    kernels::write_key(heads_, part, slot, turned_);
  });
}

void SinkKeys::set_originals(std::span<const float> keys) {
  std::copy(keys.begin(), keys.end(), originals_.begin());
  known_ = !keys.empty();
}

}  // namespace burin::runtime
