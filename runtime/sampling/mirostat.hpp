#pragma once

#include <vector>

#include "runtime/sampling/draw.hpp"
#include "runtime/sampling/options.hpp"

namespace burin::runtime {

// Mirostat 2.0 (Basu et al., "Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity", 2021,
// algorithm 2): tokens whose surprise, -log2 p, is above mu go, but never the best one; after the draw mu moves by
// eta * (tau - surprise of the drawn token among those left). Begins with mu = 2 tau. Not thread-safe.
class Mirostat {
 public:
  explicit Mirostat(const SamplingOptions& options)
      : tau_(options.mirostat_tau), eta_(options.mirostat_eta), mu_(2 * tau_) {}

  float mu() const { return mu_; }
  void set_mu(float mu) { mu_ = mu; }
  TokenId pick(Candidates& candidates, float temperature, SplitMix64& random, std::vector<double>& weights);

 private:
  float tau_;
  float eta_;
  float mu_;
};

}  // namespace burin::runtime
