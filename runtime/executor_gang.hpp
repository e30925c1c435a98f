// A thread pool's bodies on threads that somebody else owns.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "burin/executor.hpp"

namespace burin::runtime {

// While it lives, thread pools that the calling thread makes run on `executor` (null: on threads of their
// own). Scopes nest. A scope and not an argument, as sessions make their pools themselves.
class PoolsRunOn {
 public:
  explicit PoolsRunOn(std::shared_ptr<Executor> executor);
  ~PoolsRunOn();
  PoolsRunOn(const PoolsRunOn&) = delete;

  // Null outside of every scope.
  static const std::shared_ptr<Executor>& current();

 private:
  std::shared_ptr<Executor> before_;
};

// Sees to it that an executor keeps its word: a missing body would let the others wait at a barrier for ever,
// one that runs twice would compute nonsense.
class ExecutorGang {
 public:
  // Throws burin::Error where `size` is more than the executor's concurrency, or where it does not bring so
  // many bodies together within five seconds.
  ExecutorGang(std::shared_ptr<Executor> executor, int size);

  // body(context, thread) for thread 0 .. size - 1, at once; returns when all are done. Bodies throw nothing.
  // Throws burin::Error where the executor left one out, and what the executor throws.
  void run(void (*body)(void* context, int thread), void* context);

 private:
  void require_meeting();

  std::shared_ptr<Executor> executor_;
  const int size_;
  void (*body_)(void*, int) = nullptr;
  void* context_ = nullptr;
  std::atomic<int> entered_{0};
};

}  // namespace burin::runtime
