#include "runtime/tokenizer/token_table.hpp"

#include <bit>
#include <cstring>

namespace burin::runtime {
namespace {

// Bits of a product's middle and end, which all factors' bits reach.
std::uint64_t mixed(std::uint64_t value) {
  value *= 0x9e3779b97f4a7c15u;
  return value ^ value >> 32;
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = text.size();
  for (; text.size() > 8; text.remove_prefix(8)) {
    std::uint64_t part = 0;
    std::memcpy(&part, text.data(), 8);
    hash = mixed(hash ^ part);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, text.data(), text.size());
  return mixed(mixed(hash ^ rest));
}

}  // namespace

TokenTable::TokenTable(std::size_t tokens) : entries_(std::bit_ceil(2 * tokens + 2)), texts_(tokens) {}

// Of the text's entry, or of a free one.
std::size_t TokenTable::place_of(std::string_view text, std::uint64_t hash) const {
  const std::size_t last = entries_.size() - 1;
  std::size_t place = (hash >> 32) & last;
  for (;; place = (place + 1) & last) {
    const Entry& entry = entries_[place];
    if (entry.id < 0) return place;
    if (entry.hash == static_cast<std::uint32_t>(hash) && texts_[static_cast<std::size_t>(entry.id)] == text)
      return place;
  }
}

void TokenTable::add(std::string_view text, TokenId id) {
  const std::uint64_t hash = hash_of(text);
  Entry& entry = entries_[place_of(text, hash)];
  if (entry.id >= 0) return;
  entry = {static_cast<std::uint32_t>(hash), id};
  texts_[static_cast<std::size_t>(id)] = text;
}

TokenId TokenTable::find(std::string_view text) const { return entries_[place_of(text, hash_of(text))].id; }

}  // namespace burin::runtime
