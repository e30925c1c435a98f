// Tokens by their texts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// A hash table with open addressing: most texts that merging asks for are no tokens, and cost one cache line.
class TokenTable {
 public:
  // Room for at most so many tokens, with ids below that number.
  explicit TokenTable(std::size_t tokens = 0);

  // The first token of a text counts. The text must outlive the table.
  void add(std::string_view text, TokenId id);
  TokenId find(std::string_view text) const;  // -1: none

 private:
  struct Entry {
    std::uint32_t hash = 0;
    TokenId id = -1;  // -1: free
  };
  std::size_t place_of(std::string_view text, std::uint64_t hash) const;

  std::vector<Entry> entries_;  // a power of two, never full
  std::vector<std::string_view> texts_;
};

}  // namespace burin::runtime
