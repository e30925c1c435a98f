// The global operator new and delete, with a look at every allocation. To be included by one header, and that by one
// file of an executable; not under a sanitizer, which has replaced them already.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace burin::tests {

// Before each allocation; may throw std::bad_alloc. Whoever includes this says what it does.
inline void before_allocation(std::size_t size);

}  // namespace burin::tests

// The nothrow and array forms call these. Not inlined: GCC would otherwise see the malloc behind
// new-expressions and warn of mismatched pairs.
[[gnu::noinline]] void* operator new(std::size_t size) {
  burin::tests::before_allocation(size);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  burin::tests::before_allocation(size);
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
