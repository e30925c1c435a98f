// Counts the heap allocations of an executable. To be included by one file of it only: this replaces the
// global operator new (nothrow and array forms call the ones below).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

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

// Not inlined: GCC would otherwise see the malloc behind new-expressions and warn of mismatched pairs.
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

[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
