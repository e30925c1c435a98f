// Makes one heap allocation of an executable fail. To be included by one file of it only: it replaces the global
// operator new, but for executables under a sanitizer, which has replaced it already.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BURIN_TESTS_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BURIN_TESTS_SANITIZED 1
#endif

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

inline void note_or_fail() {
  if (allocations.fetch_add(1) + 1 == failing_allocation.load()) throw std::bad_alloc();
}

}  // namespace burin::tests

#ifndef BURIN_TESTS_SANITIZED

// The nothrow and array forms call these. Not inlined: GCC would otherwise see the malloc behind
// new-expressions and warn of mismatched pairs.
[[gnu::noinline]] void* operator new(std::size_t size) {
  burin::tests::note_or_fail();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  burin::tests::note_or_fail();
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
