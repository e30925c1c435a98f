#include "runtime/sampling/grammar/matcher.hpp"

#include <algorithm>

#include "runtime/sampling/grammar/grammar_source.hpp"

namespace burin::runtime {
namespace {

using Kind = GrammarElement::Kind;

constexpr std::size_t kHeadsReserved = std::size_t{1} << 14;

TokenId id_of(const GrammarToken& token, const TokenTexts& texts, const Tokenizer& tokenizer) {
  if (token.text.empty()) {
    if (static_cast<std::size_t>(token.id) >= texts.size())
      fail_at(token.place, "token {} is outside the vocabulary: give 0 to {}", token.id, texts.size() - 1);
    return token.id;
  }
  const std::vector<TokenId> ids =
      tokenizer.encode(token.text, {.add_special = false, .parse_special = true});
  if (ids.size() != 1)
    fail_at(token.place, "{} is {} tokens of this vocabulary: name one, or give its id as in <[1000]>",
            printable(token.text), ids.size());
  return ids[0];
}

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar,
                               std::shared_ptr<const TokenTexts> texts, const Tokenizer& tokenizer)
    : grammar_(grammar), texts_(std::move(texts)), stacks_(std::move(grammar)) {
  for (const GrammarToken& token : grammar_->tokens) named_.push_back(id_of(token, *texts_, tokenizer));
  heads_.reserve(kHeadsReserved);
  levels_.reserve(texts_->longest() + 2);
  restart();
}

void GrammarMatcher::restart() {
  if (at_start_) return;
  at_start_ = true;
  stacks_.forget_all_but({});
  heads_.clear();
  stacks_.begin_set();
  Level level;
  level.may_end = stacks_.add_start(heads_);
  level.count = heads_.size();
  levels_.assign(1, level);
}

void GrammarMatcher::back_to(std::size_t level) { levels_.resize(level + 1); }

// One byte on from the last level. False where the grammar does not allow it.
bool GrammarMatcher::push(unsigned char byte) {
  const Level from = levels_.back();
  Utf8Prefix prefix = from.prefix;
  switch (prefix.push(byte)) {
    case Utf8Prefix::Step::complete: return push_code_point(from, prefix.code_point());
    case Utf8Prefix::Step::incomplete: return push_prefix(from, prefix);
    case Utf8Prefix::Step::invalid: break;
  }
  return false;
}

bool GrammarMatcher::push_code_point(const Level& from, std::uint32_t code_point) {
  Level level;
  level.first = from.first + from.count;
  heads_.resize(level.first);
  stacks_.begin_set();
  for (std::size_t i = from.first; i < from.first + from.count; ++i)
    if (stacks_.takes(heads_[i], code_point) && stacks_.add_behind(heads_[i], heads_)) level.may_end = true;
  level.count = heads_.size() - level.first;
  if (level.count == 0 && !level.may_end) return false;
  levels_.push_back(level);
  return true;
}

// Inside of a character the heads stay.
bool GrammarMatcher::push_prefix(const Level& from, const Utf8Prefix& prefix) {
  const auto first = heads_.begin() + static_cast<std::ptrdiff_t>(from.first);
  const CodePointRange range = prefix.possible();
  const bool any = std::any_of(first, first + static_cast<std::ptrdiff_t>(from.count),
                               [&](Stack head) { return stacks_.takes_any(head, range); });
  if (any) levels_.push_back({from.first, from.count, false, prefix});
  return any;
}

bool GrammarMatcher::walk(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [&](char c) { return push(static_cast<unsigned char>(c)); });
}

bool GrammarMatcher::is_named(const GrammarElement& element, TokenId token) const {
  if (element.kind == Kind::token) return named_[element.value] == token;
  return element.kind == Kind::not_token && named_[element.value] != token;
}

// What the grammar names by its id goes on behind the heads that name it; not inside of a character.
bool GrammarMatcher::add_behind_named(TokenId token, Level& level) {
  const Level& from = levels_.front();
  if (!from.prefix.is_empty()) return false;
  bool any = false;
  for (std::size_t i = from.first; i < from.first + from.count; ++i) {
    if (!is_named(stacks_.top(heads_[i]), token)) continue;
    any = true;
    if (stacks_.add_behind(heads_[i], heads_)) level.may_end = true;
  }
  return any;
}

bool GrammarMatcher::allows(TokenId token) {
  const Level& from = levels_.front();
  if (from.prefix.is_empty())
    for (std::size_t i = from.first; i < from.first + from.count; ++i)
      if (is_named(stacks_.top(heads_[i]), token)) return true;
  if (texts_->is_end(token)) return may_end();
  back_to(0);
  const std::string_view bytes = texts_->bytes(token);
  const bool fits = !bytes.empty() && walk(bytes);
  back_to(0);
  return fits;
}

void GrammarMatcher::mark_allowed(std::span<std::uint8_t> allowed) {
  std::fill(allowed.begin(), allowed.end(), std::uint8_t{0});
  back_to(0);
  for (const auto& [token, shared] : texts_->in_order()) {
    // Whoever shares more than the bytes that fitted fails at the same one.
    if (shared > levels_.size() - 1) continue;
    back_to(shared);
    if (walk(texts_->bytes(token).substr(shared))) allowed[static_cast<std::size_t>(token)] = 1;
  }
  back_to(0);
  for (const TokenId end : texts_->ends()) allowed[static_cast<std::size_t>(end)] = may_end() ? 1 : 0;
  if (named_.empty()) return;
  for (std::size_t token = 0; token < texts_->size(); ++token)
    if (allowed[token] == 0 && allows(static_cast<TokenId>(token))) allowed[token] = 1;
}

bool GrammarMatcher::accept(TokenId token) {
  back_to(0);
  const std::string_view bytes = texts_->bytes(token);
  const bool fits = !bytes.empty() && walk(bytes);
  Level level = fits ? levels_.back() : Level();
  // Heads of the token's bytes and of its name are one set; inside of a character only one of both goes on.
  const std::size_t first = fits ? level.first : levels_.front().count;
  heads_.resize(first + level.count);
  bool named = false;
  if (!named_.empty() && (!fits || level.prefix.is_empty())) {
    if (!fits) stacks_.begin_set();
    level.first = first;
    named = add_behind_named(token, level);
    level.count = heads_.size() - first;
  }
  if (!fits && !named) {
    back_to(0);
    return texts_->is_end(token) && may_end();
  }
  settle(level);
  return true;
}

// The text is now where this level is.
void GrammarMatcher::settle(const Level& level) {
  at_start_ = false;
  const auto first = heads_.begin() + static_cast<std::ptrdiff_t>(level.first);
  std::copy(first, first + static_cast<std::ptrdiff_t>(level.count), heads_.begin());
  heads_.resize(level.count);
  levels_.assign(1, {0, level.count, level.may_end, level.prefix});
  stacks_.tidy(heads_);
}

//   may end, character begun (3), count of heads, heads, frames of the stacks (3 each)
std::vector<std::uint32_t> GrammarMatcher::state() {
  back_to(0);
  const Level& level = levels_.front();
  heads_.resize(level.count);
  stacks_.forget_all_but(heads_);
  const auto prefix = level.prefix.state();
  std::vector<std::uint32_t> numbers = {level.may_end ? 1u : 0u, prefix[0], prefix[1], prefix[2],
                                        static_cast<std::uint32_t>(level.count)};
  numbers.insert(numbers.end(), heads_.begin(), heads_.end());
  const std::vector<std::uint32_t> frames = stacks_.frames();
  numbers.insert(numbers.end(), frames.begin(), frames.end());
  return numbers;
}

bool GrammarMatcher::restore(std::span<const std::uint32_t> state) {
  constexpr std::size_t kFixed = 5;
  restart();
  if (state.size() < kFixed || state[0] > 1 || state[4] > kMostGrammarStacks ||
      state.size() - kFixed < state[4])
    return false;
  Level level = {0, state[4], state[0] == 1, {}};
  const std::span<const std::uint32_t> heads = state.subspan(kFixed, level.count);
  const bool fits =
      level.prefix.restore({state[1], state[2], state[3]}) &&
      stacks_.restore(state.subspan(kFixed + level.count)) &&
      std::all_of(heads.begin(), heads.end(), [&](Stack head) { return stacks_.is_head(head); });
  if (!fits || (level.count == 0 && !level.may_end)) {
    at_start_ = false;
    restart();
    return false;
  }
  at_start_ = false;
  heads_.assign(heads.begin(), heads.end());
  levels_.assign(1, level);
  return true;
}

}  // namespace burin::runtime
