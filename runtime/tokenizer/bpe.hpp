// Byte-pair encoding: adjacent symbols are merged, best pair first (Sennrich et al. 2016).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

struct BpeSymbol {
  std::string_view text;
  TokenId id = -1;  // -1: no token has this text
};

struct BpeMerge {
  TokenId id = -1;
  double rank = 0;  // lower merges first
};

// Says what two adjacent symbols merge to; id -1: they do not.
using BpeMergeRule = std::function<BpeMerge(const BpeSymbol& left, const BpeSymbol& right)>;

// For as many symbols as there may be: a queue of pairs. O(n log n).
void merge_many_symbols(std::vector<BpeSymbol>& symbols, const BpeMergeRule& rule);

inline constexpr std::size_t kFewSymbols = 64;

// For words, of at most kFewSymbols: the best pair is looked for anew each time.
template <typename Rule>
void merge_few_symbols(std::vector<BpeSymbol>& symbols, const Rule& rule) {
  std::array<BpeMerge, kFewSymbols> merges;  // of symbol i and the next one
  const auto ask = [&](std::size_t i) { merges[i] = rule(symbols[i], symbols[i + 1]); };
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) ask(i);
  while (symbols.size() > 1) {
    std::size_t best = symbols.size();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i)
      if (merges[i].id >= 0 && (best == symbols.size() || merges[i].rank < merges[best].rank)) best = i;
    if (best == symbols.size()) return;
    const std::string_view left = symbols[best].text;
    symbols[best] = {{left.data(), left.size() + symbols[best + 1].text.size()}, merges[best].id};
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    for (std::size_t i = best; i + 1 < symbols.size(); ++i) merges[i] = merges[i + 1];
    if (best > 0) ask(best - 1);
    if (best + 1 < symbols.size()) ask(best);
  }
}

// Merges until nothing merges any more; of equal ranks the leftmost pair goes first. Symbols must be adjacent
// in one text.
template <typename Rule>
void merge_symbols(std::vector<BpeSymbol>& symbols, const Rule& rule) {
  if (symbols.size() <= kFewSymbols)
    merge_few_symbols(symbols, rule);
  else
    merge_many_symbols(symbols, rule);
}

}  // namespace burin::runtime
