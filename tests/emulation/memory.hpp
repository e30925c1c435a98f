// Bytes of the emulated program.
#pragma once

#include <cstddef>

namespace burin::emulation {

// Touches exactly `count` bytes, as the instruction would, and faults where it would. In assembly, since the
// sanitizers check memcpy, and what a kernel may touch is for the page tables to say: it runs unchecked, too.
inline void copy_bytes(void* to, const void* from, std::size_t count) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

}  // namespace burin::emulation
