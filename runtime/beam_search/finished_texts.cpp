#include "runtime/beam_search/finished_texts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace burin::runtime {

// Nothing was generated: there is nothing to divide by.
double FinishedTexts::score(double log_probability, std::int64_t length) const {
  return length == 0 ? 0 : log_probability / std::pow(static_cast<double>(length), options_.length_penalty);
}

void FinishedTexts::add(std::vector<TokenId> tokens, double log_probability, std::int64_t length,
                        StopReason reason) {
  FinishedText text = {std::move(tokens), score(log_probability, length), reason};
  const auto is_better = [](const FinishedText& a, const FinishedText& b) { return a.score > b.score; };
  texts_.insert(std::upper_bound(texts_.begin(), texts_.end(), text, is_better), std::move(text));
  if (texts_.size() > static_cast<std::size_t>(options_.beams)) texts_.pop_back();
}

bool FinishedTexts::suffice(double best_log_probability, std::int64_t length) const {
  if (texts_.size() < static_cast<std::size_t>(options_.beams)) return false;
  return options_.early_stopping || texts_.back().score >= score(best_log_probability, length);
}

}  // namespace burin::runtime
