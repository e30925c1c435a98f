// Texts at which DRY forgets what came before, as tokens.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/sampling/recent_tokens.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// A text need not begin or end where tokens do. Hence each token that holds all of it breaks by itself, and each that
// ends with a beginning of it breaks where the rest's tokens (at most 20) follow:
//
//     breaker "user:"    tokens  ...| user|:|...      head " user", tail ":"
//                                ...|<user:>|...      head "<user:>", no tail
//
// Immutable; thread-safe.
class SequenceBreakers {
 public:
  SequenceBreakers(const Tokenizer& tokenizer, const std::vector<std::string>& texts);
  SequenceBreakers() = default;

  bool is_one(TokenId token) const;  // all by itself
  // How many of the last `most` tokens stand behind the last breaker among them; all where there is none.
  std::size_t tokens_behind_last(const RecentTokens& recent, std::size_t most) const;

 private:
  struct Breaker {
    TokenId head;
    std::vector<TokenId> tail;
    auto operator<=>(const Breaker&) const = default;
  };
  std::span<const Breaker> of(TokenId head) const;

  std::vector<Breaker> breakers_;  // in order
};

}  // namespace burin::runtime
