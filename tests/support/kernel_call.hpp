// Emits, loads and calls kernels under the rules every kernel must keep.
#pragma once

#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <cstdint>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "tests/emulation/loaded_kernel.hpp"

namespace burin::tests {

// Fills the vector registers with NaNs: a kernel that reads what it has not written shows it. On AVX-512
// hosts that is all 32 registers at their full width; the compiler does not use the upper 16 itself.
inline void poison_vector_registers() {
  __asm__ volatile(
      "vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n vmovaps %%ymm0, %%ymm1\n vmovaps %%ymm0, %%ymm2\n"
      "vmovaps %%ymm0, %%ymm3\n vmovaps %%ymm0, %%ymm4\n vmovaps %%ymm0, %%ymm5\n vmovaps %%ymm0, %%ymm6\n"
      "vmovaps %%ymm0, %%ymm7\n vmovaps %%ymm0, %%ymm8\n vmovaps %%ymm0, %%ymm9\n vmovaps %%ymm0, %%ymm10\n"
      "vmovaps %%ymm0, %%ymm11\n vmovaps %%ymm0, %%ymm12\n vmovaps %%ymm0, %%ymm13\n"
      "vmovaps %%ymm0, %%ymm14\n vmovaps %%ymm0, %%ymm15\n" ::
          : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
            "xmm12", "xmm13", "xmm14", "xmm15");
  static const bool wide = jit::host_target().has(jit::Feature::avx512);
  if (!wide) return;
  __asm__ volatile(
      ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, "
      "26, "
      "27, 28, 29, 30, 31\n"
      "vpternlogd $0xff, %%zmm\\n, %%zmm\\n, %%zmm\\n\n"
      ".endr\n" ::
          : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
            "xmm12", "xmm13", "xmm14", "xmm15");
}

// Values the callee must preserve, as they are after the call.
struct PreservedState {
  std::uint64_t rbx = 0, rbp = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
  std::uint64_t flags = 0;
};

// Calls entry(arguments) with known values in the callee-saved registers.
inline PreservedState call_with_marks(const void* entry, const void* arguments) {
  PreservedState after;
  // Everything the asm needs lives in one array, so that it can clobber all registers but rsp.
  std::uint64_t frame[16] = {};
  frame[0] = reinterpret_cast<std::uint64_t>(entry);
  frame[1] = reinterpret_cast<std::uint64_t>(arguments);
  std::uint64_t* base = frame;
  // The compiler takes this for a function that calls none and may keep locals below rsp, in the red zone.
  __asm__ volatile(
      "lea -128(%%rsp), %%rsp\n"
      "push %%rbx\n push %%rbp\n push %%r12\n push %%r13\n push %%r14\n push %%r15\n"
      "push %[base]\n"
      "mov $0x1111, %%rbx\n mov $0x2222, %%rbp\n mov $0x3333, %%r12\n mov $0x4444, %%r13\n"
      "mov $0x5555, %%r14\n mov $0x6666, %%r15\n"
      "mov (%[base]), %%rax\n mov 8(%[base]), %%rdi\n"
      // Align the stack as the ABI asks: at the call, rsp must be a multiple of 16.
      "mov %%rsp, %%rcx\n and $-16, %%rsp\n push %%rcx\n push %%rcx\n"
      "call *%%rax\n"
      "pop %%rcx\n mov %%rcx, %%rsp\n"
      "pop %%rax\n"
      "mov %%rbx, 16(%%rax)\n mov %%rbp, 24(%%rax)\n mov %%r12, 32(%%rax)\n mov %%r13, 40(%%rax)\n"
      "mov %%r14, 48(%%rax)\n mov %%r15, 56(%%rax)\n"
      "pushfq\n pop %%rcx\n mov %%rcx, 64(%%rax)\n"
      "pop %%r15\n pop %%r14\n pop %%r13\n pop %%r12\n pop %%rbp\n pop %%rbx\n"
      "lea 128(%%rsp), %%rsp\n"
      : [base] "+S"(base)
      :
      : "rax", "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
        "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
  after = {frame[2], frame[3], frame[4], frame[5], frame[6], frame[7], frame[8]};
  return after;
}

// Runs the image once: vector registers poisoned before, callee-saved registers, MXCSR and direction flag
// checked after.
template <typename Arguments>
void run_kernel(const jit::CodeImage& image, const Arguments& arguments) {
  const emulation::LoadedKernel kernel(image);
  const unsigned control = _mm_getcsr() & ~0x3fu;  // without the sticky exception flags
  poison_vector_registers();
  const PreservedState after = call_with_marks(kernel.entry(), &arguments);
  EXPECT_EQ(after.rbx, 0x1111u) << image.name;
  EXPECT_EQ(after.rbp, 0x2222u) << image.name;
  EXPECT_EQ(after.r12, 0x3333u) << image.name;
  EXPECT_EQ(after.r13, 0x4444u) << image.name;
  EXPECT_EQ(after.r14, 0x5555u) << image.name;
  EXPECT_EQ(after.r15, 0x6666u) << image.name;
  EXPECT_EQ(after.flags & 0x400u, 0u) << image.name << ": direction flag";
  EXPECT_EQ(_mm_getcsr() & ~0x3fu, control) << image.name << ": MXCSR";
}

}  // namespace burin::tests
