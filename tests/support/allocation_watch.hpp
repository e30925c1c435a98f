// Watches the heap allocations of an executable. To be included by one file of it only: it replaces the global
// operator new. Sanitizers have replaced it already and must keep theirs (they check that new meets delete):
// there, their own hook watches.
#pragma once

#include <atomic>
#include <cstddef>

#include "tests/support/sanitized.hpp"

namespace burin::tests {

inline std::atomic<long> allocation_count{0};
inline std::atomic<std::size_t> largest_allocation{0};

inline void note_allocation(std::size_t size) {
  allocation_count.fetch_add(1);
  std::size_t largest = largest_allocation.load();
  while (size > largest && !largest_allocation.compare_exchange_weak(largest, size)) {
  }
}

// Allocations of all threads while `work` runs.
template <typename Work>
long allocations_of(Work&& work) {
  const long before = allocation_count.load();
  work();
  return allocation_count.load() - before;
}

// The largest single allocation of any thread while `work` runs, in bytes.
template <typename Work>
std::size_t largest_allocation_of(Work&& work) {
  largest_allocation.store(0);
  work();
  return largest_allocation.load();
}

}  // namespace burin::tests

#ifdef BURIN_TESTS_SANITIZED

// Part of every sanitizer's runtime (sanitizer/allocator_interface.h, which GCC does not install everywhere).
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             std::size_t),
                                                         void (*free_hook)(const volatile void*));

namespace burin::tests {

inline const int installed_hook = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t size) { note_allocation(size); }, [](const volatile void*) {});

}  // namespace burin::tests

#else

#include "tests/support/replaced_new.hpp"

inline void burin::tests::before_allocation(std::size_t size) { note_allocation(size); }

#endif
