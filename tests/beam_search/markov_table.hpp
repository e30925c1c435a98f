// A language model without a model: logits that depend on the last token and on how many there are.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/beam_search/beam_pool.hpp"
#include "tests/support/random_values.hpp"

namespace burin::tests {

class MarkovTable {
 public:
  MarkovTable(std::uint64_t seed, std::size_t vocabulary, std::size_t length)
      : vocabulary_(vocabulary), values_(RandomValues(seed).values(length * vocabulary * vocabulary, 3)) {}

  std::size_t vocabulary() const { return vocabulary_; }
  // Of the token behind these.
  std::span<const float> logits(const std::vector<runtime::TokenId>& tokens) const {
    const std::size_t last = tokens.empty() ? 0 : static_cast<std::size_t>(tokens.back());
    return std::span(values_).subspan((tokens.size() * vocabulary_ + last) * vocabulary_, vocabulary_);
  }
  double log_probability(const std::vector<runtime::TokenId>& tokens, runtime::TokenId next) const {
    const std::span<const float> row = logits(tokens);
    double total = 0;
    for (const float logit : row) total += std::exp(static_cast<double>(logit));
    return static_cast<double>(row[static_cast<std::size_t>(next)]) - std::log(total);
  }

 private:
  std::size_t vocabulary_;
  std::vector<float> values_;
};

// The last token of the vocabulary ends a text.
inline runtime::TokenId end_of(const MarkovTable& table) {
  return static_cast<runtime::TokenId>(table.vocabulary() - 1);
}

inline bool never_stops(std::size_t, runtime::TokenId) { return false; }

// One step.
inline void advance(runtime::BeamPool& pool, const MarkovTable& table,
                    const runtime::BeamPool::CompletesStop& completes_stop = never_stops) {
  std::vector<std::span<const float>> rows;
  for (const runtime::Beam& beam : pool.beams()) rows.push_back(table.logits(beam.tokens));
  pool.advance(rows, completes_stop);
}

// All texts, of at most so many tokens.
inline std::vector<runtime::FinishedText> search(const MarkovTable& table,
                                                 const runtime::BeamSearchOptions& options, int most) {
  runtime::BeamPool pool(options, {end_of(table)});
  for (int step = 0; step < most && !pool.done(); ++step) advance(pool, table);
  return pool.finish(runtime::StopReason::length);
}

}  // namespace burin::tests
