// The bytes of a vocabulary in the order of a trie.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// Sorted tokens are a trie walked depth first: each shares `shared` bytes with the one before, and goes on from there.
//
//     "a"  "ab"  "abc"  "b"       shared: 0 1 2 0
//
// Tokens without bytes (special ones) are left out. Immutable; thread-safe.
class TokenTexts {
 public:
  struct Entry {
    TokenId token;
    std::uint32_t shared;
  };

  // The tokenizer is not needed afterwards.
  explicit TokenTexts(const Tokenizer& tokenizer);

  std::size_t size() const { return begins_.size() - 1; }
  std::string_view bytes(TokenId token) const;  // none for tokens that the tokenizer does not have
  const std::vector<Entry>& in_order() const { return order_; }
  const std::vector<TokenId>& ends() const { return ends_; }  // tokens that end a text
  bool is_end(TokenId token) const;
  std::size_t longest() const { return longest_; }  // in bytes

 private:
  std::string bytes_;                  // of all, behind one another
  std::vector<std::uint32_t> begins_;  // of each, and the end
  std::vector<Entry> order_;
  std::vector<TokenId> ends_;  // in order
  std::size_t longest_ = 0;
};

// Those of one tokenizer, made when they are first asked for, which takes 24 ms for 100,000 tokens.
// Thread-safe.
class SharedTokenTexts {
 public:
  std::shared_ptr<const TokenTexts> of(const Tokenizer& tokenizer) const;

 private:
  mutable std::once_flag once_;
  mutable std::shared_ptr<const TokenTexts> texts_;
};

}  // namespace burin::runtime
