// The registers of an interrupted thread, as the signal frame keeps them.
#pragma once

#include <ucontext.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace burin::emulation {

using VectorBytes = std::array<std::uint8_t, 64>;

// Reads and writes the registers that sigreturn will load. Vector and mask registers live in the XSAVE image
// behind `uc_mcontext.fpregs`, in the standard (not compacted) format; SDM volume 1, section 13.4:
//
//      0  legacy area: MXCSR at 24, XMM0-15 at 160, "software bytes" at 464: what the kernel saved
//    512  header: XSTATE_BV, one bit per component; a clear bit means all zeros, whatever the memory holds
//    576  component 2: bytes 16-31 of YMM0-15
//      ?  component 5: K0-7                    offsets differ between makers of CPUs: CPUID leaf 0xD
//      ?  component 6: bytes 32-63 of ZMM0-15
//      ?  component 7: ZMM16-31
class ProcessorState {
 public:
  explicit ProcessorState(ucontext_t& context) : context_(context) {}

  // By hardware number: 0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, 5 rbp, 6 rsi, 7 rdi, 8 r8 ...
  std::uint64_t general(int number) const;
  void set_general(int number, std::uint64_t value);
  std::uint64_t rip() const;
  void set_rip(std::uint64_t value);
  std::uint64_t flags() const;
  void set_flags(std::uint64_t value);

  std::uint32_t mxcsr() const;
  void set_mxcsr(std::uint32_t value);
  // Registers the host lacks read as zero.
  VectorBytes vector(int number) const;
  // All 64 bytes. Aborts where the host has no place for a byte that is not zero.
  void set_vector(int number, const VectorBytes& bytes);
  std::uint64_t mask(int number) const;
  void set_mask(int number, std::uint64_t value);

 private:
  std::uint8_t* area() const;
  const std::uint8_t* readable(int component) const;
  std::uint8_t* writable(int component);
  void write_part(int component, std::size_t offset, const std::uint8_t* from, std::size_t bytes);

  ucontext_t& context_;
};

// Bytes of an XSAVE image with all components up to ZMM16-31, and where a component starts in it (0 where the
// CPU lacks it): for tests that make up a state of their own.
std::size_t xsave_bytes();
std::size_t xsave_offset(int component);

}  // namespace burin::emulation
