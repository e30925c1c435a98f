// Picks the next token from logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/sampling/candidates.hpp"
#include "runtime/sampling/dry.hpp"
#include "runtime/sampling/grammar/matcher.hpp"
#include "runtime/sampling/mirostat.hpp"
#include "runtime/sampling/options.hpp"
#include "runtime/sampling/penalties.hpp"
#include "runtime/sampling/random.hpp"
#include "runtime/sampling/recent_tokens.hpp"

namespace burin::runtime {

// All that the next tokens depend on besides their logits.
struct SamplerState {
  SamplingOptions options;
  std::uint64_t random = 0;                 // of the generator, which has moved on from options.seed
  float mirostat_mu = 0;                    // where options.mirostat is on
  TokenId awaited = -1;                     // sampled, but not accepted yet; -1: none
  std::vector<std::uint32_t> grammar = {};  // where the text is in options.grammar
  std::vector<TokenId> recent = {};         // oldest first, at most tokens_looked_back(options)
};

// What is sampled from.
struct SampledVocabulary {
  std::size_t size = 0;                     // tokens, and logits
  const Tokenizer* tokenizer = nullptr;     // for options that speak of text; read by the constructor only
  const SharedTokenTexts* texts = nullptr;  // of the tokenizer; null: the sampler makes its own
};

// A chain of steps, in the order that llama.cpp's users know; each has its definition in its header:
//
//     logits      logit bias -> penalties -> DRY
//     candidates  top-k -> typical -> top-p -> min-p -> XTC -> (dynamic) temperature -> draw
//                 or, with Mirostat, temperature -> Mirostat
//
// The same options and logits give the same tokens on every machine (own generator, no std:: distributions). Temperature
// 0 takes the best candidate and draws no random number for it. Where we differ from llama.cpp: Mirostat leaves logit
// bias, penalties and DRY on; probabilities are computed in float64.
//
// With a grammar, a token is picked as without, and where the grammar forbids it, once more among those that it allows
// (llama.cpp's order as well: the check of one token is far cheaper than that of all). The grammar follows the tokens
// that sample() gave and that were accepted next; any other accepted token is a prompt, behind which it begins anew.
//
// NaN counts as -inf, and what is -inf is never picked; +inf counts as the largest float.
// After construction sample() and accept() allocate nothing, but for grammars that are deeply nested or ambiguous
// (grammar/stacks.hpp). Not thread-safe.
class Sampler {
 public:
  // Throws burin::Error as validate() does, for an empty vocabulary, and for options that need the text of tokens
  // where there is no tokenizer.
  Sampler(const SamplingOptions& options, const SampledVocabulary& vocabulary);
  // Goes on where another one was when it gave this state. Throws likewise, also for tokens that cannot be there.
  Sampler(const SamplerState& state, const SampledVocabulary& vocabulary);
  // `logits`: one per token of the vocabulary. Throws burin::Error for another count, or where all are -inf
  // or NaN, or banned, or where no token can go on as the grammar has it.
  TokenId sample(std::span<const float> logits);
  // Tells the sampler of a token that is now part of the text (prompt or sampled). Throws burin::Error for an id
  // outside the vocabulary.
  void accept(TokenId token);
  // The text is complete, and the grammar allows no more.
  bool must_end() const { return grammar_ && grammar_->must_end(); }
  SamplerState state() const;

 private:
  std::span<const float> edited(std::span<const float> logits);
  TokenId best(std::span<const float> logits) const;
  TokenId pick(std::span<const float> logits);
  TokenId pick_allowed(std::span<const float> logits);
  void shorten();

  SamplingOptions options_;
  bool is_greedy_;  // nothing but the best logit counts
  SplitMix64 random_;
  RecentTokens recent_;
  std::optional<Penalties> penalties_;  // these three where they are on
  std::optional<Dry> dry_;
  std::optional<Mirostat> mirostat_;
  std::optional<GrammarMatcher> grammar_;
  TokenId awaited_ = -1;               // sampled with a grammar, but not accepted yet
  std::vector<std::uint8_t> allowed_;  // by the grammar, per token
  std::vector<float> logits_;          // a copy, where steps change them
  Candidates candidates_;              // room for the vocabulary
  std::vector<double> weights_;        // of the candidates, while drawing
  std::size_t vocabulary_;
};

}  // namespace burin::runtime
