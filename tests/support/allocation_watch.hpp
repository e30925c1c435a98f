// Watches the heap allocations of an executable. To be included by one file of it only: it replaces the global
// operator new. Sanitizers have replaced it already and must keep theirs (they check that new meets delete):
// there, their own hook watches.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

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

// The nothrow and array forms call these. Not inlined: GCC would otherwise see the malloc behind
// new-expressions and warn of mismatched pairs.
[[gnu::noinline]] void* operator new(std::size_t size) {
  burin::tests::note_allocation(size);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  burin::tests::note_allocation(size);
  const auto align = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align)) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#endif
