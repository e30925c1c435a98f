// Grammars tried on texts, byte by byte.
#pragma once

#include <memory>
#include <string>

#include "runtime/sampling/grammar/matcher.hpp"
#include "tests/sampling/made_tokenizer.hpp"

namespace burin::tests {

inline constexpr runtime::TokenId kEnd = 256;

// A token per byte, one that ends texts, special ones and some longer ones.
inline const MadeTokenizer& tokenizer() {
  static const MadeTokenizer made = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    for (const char* text :
         {"<end>", "<think>", "ab", "abc", "b,", "\"}", "\xe3\x81", "\x82\xe3", "é", "[[", "]]", "10"})
      tokens.emplace_back(text);
    return MadeTokenizer(tokens, kEnd);
  }();
  return made;
}

inline runtime::GrammarMatcher matcher(const std::string& grammar) {
  static const auto texts = std::make_shared<runtime::TokenTexts>(tokenizer());
  return {std::make_shared<runtime::Grammar>(runtime::parse_grammar(grammar)), texts, tokenizer()};
}

// How much of the text fits, byte by byte, and whether it may end there: "whole", "begun", or how many bytes fitted.
inline std::string verdict(runtime::GrammarMatcher& matcher, const std::string& text) {
  matcher.restart();
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!matcher.accept(static_cast<unsigned char>(text[i]))) return std::to_string(i);
  return matcher.may_end() ? "whole" : "begun";
}

}  // namespace burin::tests
