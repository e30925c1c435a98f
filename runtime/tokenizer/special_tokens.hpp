// Finds special tokens that are written out in a text.
#pragma once

#include <array>
#include <bitset>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/vocabulary.hpp"

namespace burin::runtime {

// A stretch of text between special tokens (token -1), or one of them.
struct TextPart {
  std::string_view text;
  TokenId token = -1;
};

class SpecialTokens {
 public:
  // Special and user-defined tokens of the vocabulary.
  static SpecialTokens of(const Vocabulary& vocabulary);
  void add(SpecialToken token);  // replaces one with the same text

  // Leftmost, then longest matches. Parts are views into the text; empty ones are left out.
  std::vector<TextPart> split(std::string_view text, bool special) const;

 private:
  const SpecialToken* match(std::string_view text, bool special) const;

  bool has_any_ = false;
  std::array<std::vector<SpecialToken>, 256> by_first_byte_;  // longest first
  std::array<std::bitset<256>, 256> second_bytes_;  // by the first; all where a token has no second one
};

}  // namespace burin::runtime
