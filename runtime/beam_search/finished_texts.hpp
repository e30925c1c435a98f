// The best texts that beam search has finished.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/beam_search/options.hpp"
#include "runtime/stop_reason.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct FinishedText {
  std::vector<TokenId> tokens;  // without a token that ends the text
  double score = 0;             // log-probability / length^length_penalty
  StopReason reason = StopReason::length;
};

// As many as there are beams. Rules and scores are those of Hugging Face's BeamHypotheses (transformers 4.46,
// generation/beam_search.py): lengths are of what was generated, with the token that ends the text.
class FinishedTexts {
 public:
  explicit FinishedTexts(const BeamSearchOptions& options) : options_(options) {}

  // Takes the place of the worst one where there are enough and it is better.
  void add(std::vector<TokenId> tokens, double log_probability, std::int64_t length, StopReason reason);
  // Whether there are enough, and with early stopping that is all; else the most probable text so far, of so many
  // tokens, must not score better than the worst of them. Where the length penalty is above 0 it could still become
  // better, and is given up all the same.
  bool suffice(double best_log_probability, std::int64_t length) const;
  // Best first; of equal ones the earlier.
  const std::vector<FinishedText>& texts() const { return texts_; }

 private:
  double score(double log_probability, std::int64_t length) const;

  BeamSearchOptions options_;
  std::vector<FinishedText> texts_;
};

}  // namespace burin::runtime
