// The last tokens of a text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "runtime/tokenizer/tokenizer.hpp"

namespace burin::runtime {

// A ring; after construction it allocates nothing. Not thread-safe.
class RecentTokens {
 public:
  explicit RecentTokens(std::size_t capacity) : ring_(capacity) {}

  std::size_t capacity() const { return ring_.size(); }
  std::size_t size() const { return std::min(count_, ring_.size()); }
  // 0: the last one; below size().
  TokenId from_end(std::size_t back) const { return ring_[(count_ - 1 - back) % ring_.size()]; }
  void push(TokenId token) {
    if (!ring_.empty()) ring_[count_++ % ring_.size()] = token;
  }
  std::vector<TokenId> oldest_first() const {
    std::vector<TokenId> tokens;
    for (std::size_t back = size(); back > 0; --back) tokens.push_back(from_end(back - 1));
    return tokens;
  }

 private:
  std::vector<TokenId> ring_;
  std::size_t count_ = 0;
};

}  // namespace burin::runtime
