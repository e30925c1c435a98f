// Counts the heap allocations of an executable. To be included by one file of it only: it replaces the global
// operator new. Sanitizers have replaced it already and must keep theirs (they check that new meets delete):
// there, their own hook counts.
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

inline std::atomic<long> allocation_count{0};

// Allocations of all threads while `work` runs.
template <typename Work>
long allocations_of(Work&& work) {
  const long before = allocation_count.load();
  work();
  return allocation_count.load() - before;
}

}  // namespace burin::tests

#ifdef BURIN_TESTS_SANITIZED

// Part of every sanitizer's runtime (sanitizer/allocator_interface.h, which GCC does not install everywhere).
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             std::size_t),
                                                         void (*free_hook)(const volatile void*));

namespace burin::tests {

inline const int installed_hook = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { allocation_count.fetch_add(1); }, [](const volatile void*) {});

}  // namespace burin::tests

#else

// The nothrow and array forms call these. Not inlined: GCC would otherwise see the malloc behind
// new-expressions and warn of mismatched pairs.
[[gnu::noinline]] void* operator new(std::size_t size) {
  burin::tests::allocation_count.fetch_add(1);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  burin::tests::allocation_count.fetch_add(1);
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
