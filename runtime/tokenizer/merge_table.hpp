// What listed pairs of tokens merge to.
#pragma once

#include <vector>

#include "runtime/tokenizer/bpe.hpp"

namespace burin::runtime {

// A hash table with open addressing: a pair, most of which merge to nothing, costs one cache line.
class MergeTable {
 public:
  // For at most so many pairs.
  explicit MergeTable(std::size_t pairs = 0);

  // The first entry for a pair counts. Ids of the pair must be known ones; rank is below 2^32.
  void add(TokenId left, TokenId right, BpeMerge merge);
  bool empty() const { return count_ == 0; }

  // Ids of -1 merge with nothing.
  BpeMerge find(TokenId left, TokenId right) const {
    const Entry& entry = entries_[place_of(key_of(left, right))];
    return {entry.id, static_cast<double>(entry.rank)};
  }

 private:
  struct Entry {
    std::uint64_t key = 0;
    TokenId id = -1;  // -1: free
    std::uint32_t rank = 0;
  };

  static std::uint64_t key_of(TokenId left, TokenId right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  // Of the pair's entry, or of a free one. Fibonacci hashing (Knuth, vol. 3, 6.4), then the next free place.
  std::size_t place_of(std::uint64_t key) const {
    std::size_t place = static_cast<std::size_t>(key * 0x9e3779b97f4a7c15u >> shift_);
    while (entries_[place].id >= 0 && entries_[place].key != key) place = (place + 1) & (entries_.size() - 1);
    return place;
  }

  std::vector<Entry> entries_;  // a power of two, never full
  int shift_;                   // leaves as many bits of a hash as places have
  std::size_t count_ = 0;
};

}  // namespace burin::runtime
