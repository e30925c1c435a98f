// Byte-pair encoding: adjacent symbols are merged, best pair first (Sennrich et al. 2016).
#pragma once

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

// Merges until nothing merges any more; of equal ranks the leftmost pair goes first. Symbols must be adjacent
// in one text. O(n log n).
void merge_symbols(std::vector<BpeSymbol>& symbols, const BpeMergeRule& rule);

}  // namespace burin::runtime
