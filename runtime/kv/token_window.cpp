#include "runtime/kv/token_window.hpp"

#include <algorithm>

namespace burin::runtime {

void TokenWindow::append(std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) of_slot(ring_.slot_of(position_++)) = token;
}

bool TokenWindow::cut(std::int64_t position) {
  const std::int64_t oldest = removed_ == 0 ? 0 : removed_ + rule_.keep;
  if (position < oldest || position > position_) return false;
  position_ = position;
  return true;
}

TokenId TokenWindow::at(std::int64_t index) const {
  const std::int64_t slot = index < rule_.keep ? index : ring_.slot_of(removed_ + index);
  return tokens_[static_cast<std::size_t>(slot)];
}

void TokenWindow::copy_to(std::span<TokenId> tokens) const {
  for (std::int64_t i = 0; i < count(); ++i) tokens[static_cast<std::size_t>(i)] = at(i);
}

void TokenWindow::restore(std::int64_t position, std::int64_t removed, std::span<const TokenId> tokens) {
  position_ = position;
  removed_ = removed;
  for (std::int64_t i = 0; i < count(); ++i) {
    const std::int64_t slot = i < rule_.keep ? i : ring_.slot_of(removed + i);
    of_slot(slot) = tokens[static_cast<std::size_t>(i)];
  }
}

}  // namespace burin::runtime
