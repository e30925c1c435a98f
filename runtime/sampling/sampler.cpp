#include "runtime/sampling/sampler.hpp"

#include <algorithm>
#include <limits>

#include "jit/error.hpp"
#include "runtime/sampling/draw.hpp"
#include "runtime/sampling/logit_bias.hpp"
#include "runtime/sampling/min_p.hpp"
#include "runtime/sampling/temperature.hpp"
#include "runtime/sampling/top_k.hpp"
#include "runtime/sampling/top_p.hpp"
#include "runtime/sampling/typical.hpp"
#include "runtime/sampling/xtc.hpp"

namespace burin::runtime {
namespace {

const SamplingOptions& valid(const SamplingOptions& options) {
  validate(options);
  return options;
}

std::size_t valid(std::size_t vocabulary) {
  constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<TokenId>::max());
  if (vocabulary == 0 || vocabulary > kMost)
    fail("sampler: a vocabulary of {} tokens cannot be sampled from: give 1 to {}", vocabulary, kMost);
  return vocabulary;
}

// No step can take the best candidate away, and there is nothing to draw.
bool takes_the_best(const SamplingOptions& options) {
  const bool keeps_best =
      options.typical >= 1 && (options.xtc_probability <= 0 || options.xtc_threshold > 0.5f);
  return options.temperature <= 0 && options.dynatemp_range <= 0 && options.mirostat == 0 && keeps_best;
}

std::shared_ptr<const SequenceBreakers> breakers_of(const SamplingOptions& options,
                                                    const Tokenizer* tokenizer) {
  if (options.dry_sequence_breakers.empty()) return std::make_shared<SequenceBreakers>();
  if (tokenizer == nullptr)
    fail("dry_sequence_breakers: the model has no tokenizer to find them with: give none");
  return std::make_shared<SequenceBreakers>(*tokenizer, options.dry_sequence_breakers);
}

GrammarMatcher matcher_of(const SamplingOptions& options, const SampledVocabulary& vocabulary) {
  if (vocabulary.tokenizer == nullptr)
    fail("grammar: the model has no tokenizer to follow it with: give none");
  const Tokenizer& tokenizer = *vocabulary.tokenizer;
  if (tokenizer.vocabulary_size() > vocabulary.size)
    fail("grammar: the tokenizer has {} tokens, the model {}: give the tokenizer of the model",
         tokenizer.vocabulary_size(), vocabulary.size);
  const SharedTokenTexts own;
  const SharedTokenTexts& texts = vocabulary.texts != nullptr ? *vocabulary.texts : own;
  return {std::make_shared<Grammar>(parse_grammar(options.grammar)), texts.of(tokenizer), tokenizer};
}

[[noreturn]] void fail_without_candidates(const SamplingOptions& options) {
  if (!options.logit_bias.empty())
    fail("sampler: all logits are NaN or -inf: logit_bias bans too much, or the model is damaged");
  fail("sampler: all logits are NaN or -inf: the model or its weights are damaged");
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, const SampledVocabulary& vocabulary)
    : options_(valid(options)),
      is_greedy_(takes_the_best(options)),
      random_(options.seed),
      recent_(tokens_looked_back(options)),
      vocabulary_(valid(vocabulary.size)) {
  check_logit_biases(options.logit_bias, vocabulary_);
  if (has_penalties(options)) penalties_.emplace(options, vocabulary_);
  if (has_dry(options)) dry_.emplace(options, vocabulary_, breakers_of(options, vocabulary.tokenizer));
  if (options.mirostat != 0) mirostat_.emplace(options);
  if (!options.grammar.empty()) {
    grammar_.emplace(matcher_of(options, vocabulary));
    allowed_.resize(vocabulary_);
  }
  if (penalties_ || dry_ || grammar_ || !options.logit_bias.empty()) logits_.reserve(vocabulary_);
  candidates_.reserve(vocabulary_);
  weights_.reserve(vocabulary_);
}

Sampler::Sampler(const SamplerState& state, const SampledVocabulary& vocabulary)
    : Sampler(state.options, vocabulary) {
  if (state.recent.size() > recent_.capacity())
    fail("sampler: {} recent tokens for options that look {} back: the state is damaged", state.recent.size(),
         recent_.capacity());
  random_ = SplitMix64(state.random);
  if (mirostat_) mirostat_->set_mu(state.mirostat_mu);
  for (const TokenId token : state.recent) accept(token);
  awaited_ = state.awaited;
  if (grammar_ && !grammar_->restore(state.grammar))
    fail("sampler: the place in the grammar is none: the state is damaged");
}

SamplerState Sampler::state() const {
  return {options_,
          random_.state(),
          mirostat_ ? mirostat_->mu() : 0,
          awaited_,
          grammar_ ? GrammarMatcher(*grammar_).state() : std::vector<std::uint32_t>(),
          recent_.oldest_first()};
}

TokenId Sampler::sample(std::span<const float> logits) {
  if (logits.size() != vocabulary_)
    fail("sampler: {} logits for a vocabulary of {}: give one per token", logits.size(), vocabulary_);
  logits = edited(logits);
  const float mu = mirostat_ ? mirostat_->mu() : 0;
  TokenId token = pick(logits);
  if (!grammar_) return token;
  if (!grammar_->allows(token)) {
    if (mirostat_) mirostat_->set_mu(mu);
    token = pick_allowed(logits);
  }
  awaited_ = token;
  return token;
}

void Sampler::accept(TokenId token) {
  if (token < 0 || static_cast<std::size_t>(token) >= vocabulary_)
    fail("sampler: token {} is outside the vocabulary of {}: give a token of this model", token, vocabulary_);
  if (penalties_) penalties_->accept(token, recent_);
  recent_.push(token);
  if (grammar_ && !(token == awaited_ && grammar_->accept(token))) grammar_->restart();
  awaited_ = -1;
}

// The logits after the steps that change them.
std::span<const float> Sampler::edited(std::span<const float> logits) {
  if (!penalties_ && !dry_ && options_.logit_bias.empty()) return logits;
  logits_.assign(logits.begin(), logits.end());
  add_logit_biases(logits_, options_.logit_bias);
  if (penalties_) penalties_->apply(logits_);
  if (dry_) dry_->apply(logits_, recent_);
  return logits_;
}

// The first of the largest; no comparison with NaN is true.
TokenId Sampler::best(std::span<const float> logits) const {
  Candidate best{-std::numeric_limits<float>::infinity(), -1};
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const float logit = std::min(logits[id], kLargestLogit);
    if (logit > best.logit) best = {logit, static_cast<TokenId>(id)};
  }
  if (best.id < 0) fail_without_candidates(options_);
  return best.id;
}

// Among the tokens that the grammar allows.
TokenId Sampler::pick_allowed(std::span<const float> logits) {
  grammar_->mark_allowed(allowed_);
  if (logits.data() != logits_.data()) logits_.assign(logits.begin(), logits.end());
  bool any = false;
  for (std::size_t id = 0; id < vocabulary_; ++id) {
    if (allowed_[id] == 0) logits_[id] = -std::numeric_limits<float>::infinity();
    any = any || logits_[id] >= -kLargestLogit;
  }
  if (!any)
    fail(
        "grammar: no token of the vocabulary that has a logit can go on with the text: use a grammar that "
        "its "
        "tokens can spell");
  return pick(logits_);
}

TokenId Sampler::pick(std::span<const float> logits) {
  if (is_greedy_) return best(logits);
  load(candidates_, logits);
  if (candidates_.empty()) fail_without_candidates(options_);
  if (mirostat_) return mirostat_->pick(candidates_, options_.temperature, random_, weights_);
  shorten();
  return draw(candidates_, temperature_for(candidates_, options_), random_, weights_).token;
}

void Sampler::shorten() {
  keep_top_k(candidates_, options_.top_k);
  keep_typical(candidates_, options_.typical);
  keep_top_p(candidates_, options_.top_p);
  keep_min_p(candidates_, options_.min_p);
  exclude_top_choices(candidates_, options_.xtc_probability, options_.xtc_threshold, random_);
}

}  // namespace burin::runtime
