#include "runtime/sampling/sequence_breakers.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace burin::runtime {
namespace {

constexpr std::size_t kLongestTail = 20;

// Of `text`, how much stands at the end of `bytes`, for each way it can.
std::vector<std::size_t> beginnings_at_end(std::string_view bytes, std::string_view text) {
  std::vector<std::size_t> lengths;
  for (std::size_t length = 1; length < text.size() && length <= bytes.size(); ++length)
    if (bytes.ends_with(text.substr(0, length))) lengths.push_back(length);
  return lengths;
}

std::vector<TokenId> tail_tokens(const Tokenizer& tokenizer, std::string_view rest) {
  std::vector<TokenId> tokens = tokenizer.encode(rest, {.add_special = false, .parse_special = false});
  tokens.resize(std::min(tokens.size(), kLongestTail));
  return tokens;
}

}  // namespace

SequenceBreakers::SequenceBreakers(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  const auto count = static_cast<TokenId>(tokenizer.vocabulary_size());
  for (const std::string& text : texts) {
    std::vector<std::optional<std::vector<TokenId>>> tails(text.size());
    for (TokenId id = 0; id < count; ++id) {
      const std::string_view bytes = tokenizer.token_bytes(id, true);
      if (bytes.find(text) != bytes.npos) {
        breakers_.push_back({id, {}});
        continue;
      }
      for (const std::size_t length : beginnings_at_end(bytes, text)) {
        if (!tails[length]) tails[length] = tail_tokens(tokenizer, std::string_view(text).substr(length));
        breakers_.push_back({id, *tails[length]});
      }
    }
  }
  std::sort(breakers_.begin(), breakers_.end());
  breakers_.erase(std::unique(breakers_.begin(), breakers_.end()), breakers_.end());
}

std::span<const SequenceBreakers::Breaker> SequenceBreakers::of(TokenId head) const {
  const auto before = [](const Breaker& breaker, TokenId id) { return breaker.head < id; };
  const auto first = std::lower_bound(breakers_.begin(), breakers_.end(), head, before);
  const auto last = std::lower_bound(first, breakers_.end(), head + 1, before);
  return {first, last};
}

// Tails are in order, so that an empty one is first.
bool SequenceBreakers::is_one(TokenId token) const {
  const std::span<const Breaker> found = of(token);
  return !found.empty() && found.front().tail.empty();
}

std::size_t SequenceBreakers::tokens_behind_last(const RecentTokens& recent, std::size_t most) const {
  for (std::size_t back = 0; back < most; ++back) {
    std::optional<std::size_t> longest;
    for (const Breaker& breaker : of(recent.from_end(back))) {
      const std::vector<TokenId>& tail = breaker.tail;
      bool follows = tail.size() <= back;
      for (std::size_t i = 0; follows && i < tail.size(); ++i)
        follows = tail[i] == recent.from_end(back - 1 - i);
      if (follows) longest = std::max(longest.value_or(0), tail.size());
    }
    if (longest) return back - *longest;
  }
  return most;
}

}  // namespace burin::runtime
