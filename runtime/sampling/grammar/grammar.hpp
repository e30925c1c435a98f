// A grammar that texts are to follow, as parsed from GBNF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/sampling/grammar/code_points.hpp"
#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

inline constexpr std::size_t kMostGrammarBytes = std::size_t{1} << 20;
inline constexpr std::uint32_t kMostRepetitions = 65'535;
inline constexpr std::uint32_t kMostEmptyRepetitions = 64;  // of what may be empty
inline constexpr int kDeepestGroup = 100;

// Where something stands in the text, from 1; columns count characters.
struct GrammarPlace {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct GrammarElement {
  enum class Kind : std::uint8_t {
    end,        // of an alternative
    character,  // value: code point
    set,        // value: index in `sets`
    token,      // value: index in `tokens`; this one
    not_token,  // any other token
    rule,       // value: index in `rules`
    repeat,     // value: index in `repeats`
  };
  Kind kind;
  std::uint32_t value = 0;
};

struct GrammarRepeat {
  static constexpr std::uint32_t kUnbounded = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t rule;
  std::uint32_t least;  // 0 where the rule may be empty
  std::uint32_t most;
  GrammarPlace place = {};
};

struct GrammarToken {
  TokenId id = -1;   // -1: the one that `text` is
  std::string text;  // with its angle brackets
  GrammarPlace place = {};
};

struct GrammarRule {
  std::string name;  // a group has that of the rule round it
  GrammarPlace place = {};
  std::vector<std::uint32_t> alternatives = {};  // first element of each
  bool may_be_empty = false;
};

// Alternatives lie behind one another, each with an end:
//
//     root ::= "ab" item | [0-9]*     elements: 'a' 'b' rule(item) end repeat(0) end
//                                     alternatives of root: 0, 4
//
// Immutable once parsed; thread-safe.
struct Grammar {
  std::vector<GrammarElement> elements;
  std::vector<CodePointSet> sets;
  std::vector<GrammarToken> tokens;
  std::vector<GrammarRepeat> repeats;
  std::vector<GrammarRule> rules;
  std::uint32_t root = 0;
};

// The language is llama.cpp's (its grammars/README.md), but rules may not be defined twice and sets not be empty.
// Throws burin::Error with line and column for what is no such grammar, unknown rules, left recursion, and what is
// above the limits.
Grammar parse_grammar(std::string_view text);

}  // namespace burin::runtime
