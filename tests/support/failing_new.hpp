// Makes one heap allocation of an executable fail. To be included by one file of it only: it replaces the global
// operator new, but for executables under a sanitizer, which has replaced it already.
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

#include "tests/support/sanitized.hpp"

namespace burin::tests {

inline std::atomic<long> allocations{0};
inline std::atomic<long> failing_allocation{0};

// The n-th allocation from now on, of whatever thread, throws std::bad_alloc; 0: none does.
inline void fail_allocation(long n) {
  allocations.store(0);
  failing_allocation.store(n);
}

// How many allocations `work` makes.
template <typename Work>
long count_allocations(Work&& work) {
  fail_allocation(0);
  work();
  return allocations.load();
}

}  // namespace burin::tests

#ifndef BURIN_TESTS_SANITIZED

#include "tests/support/replaced_new.hpp"

inline void burin::tests::before_allocation(std::size_t) {
  if (allocations.fetch_add(1) + 1 == failing_allocation.load()) throw std::bad_alloc();
}

#endif
