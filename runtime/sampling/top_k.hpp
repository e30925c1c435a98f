#pragma once

#include "runtime/sampling/candidates.hpp"

namespace burin::runtime {

// The k largest logits; of equal ones the lower id is first. 0: all.
inline void keep_top_k(Candidates& candidates, int k) {
  const auto count = static_cast<std::size_t>(k);
  if (count == 0 || count >= candidates.size()) return;
  order_front(candidates, 0, count, is_better);
  candidates.resize(count);
}

}  // namespace burin::runtime
