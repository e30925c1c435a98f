// Work that its caller may end early.
#pragma once

#include <atomic>

namespace burin::runtime {

// Null: nobody can.
inline bool is_cancelled(const std::atomic<bool>* cancel) {
  return cancel != nullptr && cancel->load(std::memory_order_relaxed);
}

}  // namespace burin::runtime
