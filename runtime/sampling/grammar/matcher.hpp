// Which tokens a grammar allows next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/sampling/grammar/grammar.hpp"
#include "runtime/sampling/grammar/stacks.hpp"
#include "runtime/sampling/grammar/token_texts.hpp"

namespace burin::runtime {

// Follows a text through a grammar, token by token. A token is tested by its bytes, which may end inside of a
// character; one that the grammar names (<token>) by its id. Tokens that end the text are allowed where the
// grammar does, no other tokens without bytes ever.
//
// Allocates as GrammarStacks does. Not thread-safe; copies are independent. Throws burin::Error where a limit of
// the grammar's stacks would be exceeded.
class GrammarMatcher {
 public:
  // Throws burin::Error where the grammar names a token that is not in the vocabulary.
  GrammarMatcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTexts> texts,
                 const Tokenizer& tokenizer);

  void restart();
  bool may_end() const { return levels_.front().may_end; }
  bool must_end() const { return may_end() && levels_.front().count == 0; }
  bool allows(TokenId token);
  // Marks every token that is allowed; `allowed` has one byte for each of the vocabulary, which become 0 or 1.
  void mark_allowed(std::span<std::uint8_t> allowed);
  // Goes on behind the token. False, changing nothing, where it is not allowed. Tokens that end the text change
  // nothing either.
  bool accept(TokenId token);

  // To go on in another process, with the same grammar and vocabulary. restore() gives false, and restarts, where the
  // numbers are none of this grammar's.
  std::vector<std::uint32_t> state();
  bool restore(std::span<const std::uint32_t> state);

 private:
  using Stack = GrammarStacks::Stack;

  // After some bytes of a token: a range of heads_.
  struct Level {
    std::size_t first = 0;
    std::size_t count = 0;
    bool may_end = false;
    Utf8Prefix prefix = {};
  };

  bool push(unsigned char byte);
  bool push_code_point(const Level& from, std::uint32_t code_point);
  bool push_prefix(const Level& from, const Utf8Prefix& prefix);
  void back_to(std::size_t level);
  bool walk(std::string_view bytes);
  bool is_named(const GrammarElement& element, TokenId token) const;
  bool add_behind_named(TokenId token, Level& level);
  void settle(const Level& level);

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenTexts> texts_;
  std::vector<TokenId> named_;  // per token of the grammar: its id
  GrammarStacks stacks_;
  std::vector<Stack> heads_;  // of all levels
  bool at_start_ = false;
  std::vector<Level> levels_;  // the first is where the text is; the others follow a token's bytes
};

}  // namespace burin::runtime
