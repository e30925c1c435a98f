// The bookkeeping of beam search: which texts go on, which are finished. Knows logits, but no model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/beam_search/candidates.hpp"
#include "runtime/beam_search/finished_texts.hpp"

namespace burin::runtime {

// A text that goes on.
struct Beam {
  std::vector<TokenId> tokens;  // generated so far
  double log_probability = 0;   // of them
  std::size_t parent = 0;       // which of the beams before the last step it was
};

// Beam search as Hugging Face's BeamSearchScorer has it (transformers 4.46, generation/beam_search.py). Of N
// beams, at every step, the best 2N candidates of all beams are gone through (where the model has E tokens that end a
// text, (1 + E)N):
//
//     ends the text, among the best N   a finished text
//     ends the text, behind them        dropped
//     else                              a beam of the next step, until there are N
//
// A token that completes a stop text ends the text likewise. The search begins with one beam, so that vocabularies of
// fewer than N tokens have fewer beams at first.
class BeamPool {
 public:
  // Whether a beam's text, with this token, has a stop text.
  using CompletesStop = std::function<bool(std::size_t beam, TokenId token)>;

  // Throws burin::Error as validate() does. end_tokens: those that end a text.
  BeamPool(const BeamSearchOptions& options, std::vector<TokenId> end_tokens);

  // Those that go on, most probable first: one without tokens before the first step.
  std::span<const Beam> beams() const { return beams_; }
  // No text can come any more that counts.
  bool done() const { return done_; }
  // One token more. `logits`: of the next token, a row per beam. Throws burin::Error as best_candidates() does; all is
  // as before then.
  void advance(std::span<const std::span<const float>> logits, const CompletesStop& completes_stop);
  // All texts, best first; unless done(), those that go on are finished for this reason.
  std::vector<FinishedText> finish(StopReason reason) const;

 private:
  std::vector<BeamCandidate> candidates(std::span<const std::span<const float>> logits) const;
  bool is_end(TokenId token) const;

  BeamSearchOptions options_;
  std::vector<TokenId> end_tokens_;
  std::vector<Beam> beams_;
  FinishedTexts finished_;
  std::int64_t length_ = 0;  // tokens per beam
  bool done_ = false;
};

}  // namespace burin::runtime
