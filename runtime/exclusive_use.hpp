// Whose turn it is, where turns are short and seldom contended.
#pragma once

#include <atomic>

namespace burin::runtime {

// Held while in scope; another thread that wants it sleeps. Costs an exchange where nobody waits.
class ExclusiveUse {
 public:
  explicit ExclusiveUse(std::atomic<int>& taken) : taken_(taken) {
    while (taken_.exchange(1, std::memory_order_acquire) != 0) taken_.wait(1, std::memory_order_relaxed);
  }
  ~ExclusiveUse() {
    taken_.store(0, std::memory_order_release);
    taken_.notify_one();
  }
  ExclusiveUse(const ExclusiveUse&) = delete;

 private:
  std::atomic<int>& taken_;
};

}  // namespace burin::runtime
