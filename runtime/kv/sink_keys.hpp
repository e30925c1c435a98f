// Keys of tokens that stay while others behind them are discarded.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/plan.hpp"
#include "runtime/kv/kv_cache.hpp"

namespace burin::runtime {

// After `removed` tokens were discarded, sink i counts as position i + removed. Its key is turned there from what it
// was when it was stored, so that nothing adds up however often it is moved; angles are float64. Costs O(sinks),
// whatever the context.
class SinkKeys {
 public:
  // frequencies: per Plan::ropes.
  SinkKeys(const graph::Plan& plan, std::int64_t keep);

  // Turns the cache's sinks. The first call after construction or forget() finds them as they were stored.
  void move(KvCache& cache, std::span<const std::vector<double>> frequencies, std::int64_t removed);
  void forget() { known_ = false; }

  // As they were stored: [layer][kv head][sink][element], empty while unknown. For storing a sequence.
  std::span<const float> originals() const {
    return known_ ? std::span<const float>(originals_) : std::span<const float>();
  }
  // Takes what originals() gave, of the same plan and number of sinks.
  void set_originals(std::span<const float> keys);
  std::size_t size() const { return originals_.size(); }

 private:
  // Calls body(block part, key) for every sink of every layer that rotates.
  template <typename Body>
  void for_each_key(KvCache& cache, const Body& body);

  kernels::HeadLayout heads_;
  std::int64_t keep_;
  std::vector<int> ropes_;  // by layer; -1: does not rotate
  std::vector<float> originals_;
  std::vector<float> turned_;                             // one key
  std::vector<std::vector<std::complex<double>>> turns_;  // by rope and pair: of the latest move
  bool known_ = false;
};

}  // namespace burin::runtime
