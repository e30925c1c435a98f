#include "runtime/tokenizer/merge_table.hpp"

#include <bit>

namespace burin::runtime {

MergeTable::MergeTable(std::size_t pairs)
    : entries_(std::bit_ceil(pairs + pairs / 2 + 2)), shift_(std::countl_zero(entries_.size()) + 1) {}

void MergeTable::add(TokenId left, TokenId right, BpeMerge merge) {
  const std::uint64_t key = key_of(left, right);
  Entry& entry = entries_[place_of(key)];
  if (entry.id >= 0) return;
  entry = {key, merge.id, static_cast<std::uint32_t>(merge.rank)};
  ++count_;
}

}  // namespace burin::runtime
