// Runs one vector instruction in every form that its encoding has.
#pragma once

#include <xbyak/xbyak.h>

#include <cstdint>

#include "tests/emulation/rounding.hpp"
#include "tests/support/random_values.hpp"

namespace burin::emulation {

// What a lane of the result is computed from: the lanes of the destination before, of the operand in the
// middle (where there is one) and of the last operand.
struct LaneInput {
  std::uint64_t to, a, b;
  int index;
  Rounding rounding;
};

// What EVEX.b means between registers.
enum class Embedded : std::uint8_t { nothing, exceptions_off, rounding };

struct VectorInstruction {
  const char* name;
  void (*emit)(Xbyak::CodeGenerator&, const Xbyak::Xmm& to, const Xbyak::Xmm& a, const Xbyak::Operand& b);
  int to_bytes;    // of a lane of the destination, and of what is in the middle
  int from_bytes;  // of a lane of the last operand
  // One random lane of `from_bytes` or `to_bytes`.
  std::uint64_t (*fill)(tests::RandomValues&, int bytes);
  // Null where only emulation and CPU are compared with each other.
  std::uint64_t (*compute)(const LaneInput&);
  Embedded embedded = Embedded::nothing;
  bool scalar = false;
  // Scalars take bytes 2..15 from operand a, fused ones keep those of the destination.
  bool keeps_upper = false;
  bool broadcasts = true;
  // CPUs may differ, within a bound: emulated only.
  bool approximate = false;
  // VEX: neither masks nor broadcasts nor 512 bits nor registers above 15.
  bool vex = false;
};

// In all lengths: registers, without mask, merging and zeroing; memory that ends with its page, by several
// displacements; broadcasts; each rounding of MXCSR and each embedded one. Emulated on a made-up frame and
// run on the CPU, which must agree in all registers, and with compute().
void check_all_forms(const VectorInstruction& instruction, std::uint64_t seed);

// Fills.
std::uint64_t any_bits(tests::RandomValues& random, int bytes);
// FP16, or FP32 and FP64 in and next to the range of FP16; many special values.
std::uint64_t any_float(tests::RandomValues& random, int bytes);
// Integers of any magnitude.
std::uint64_t any_integer(tests::RandomValues& random, int bytes);

}  // namespace burin::emulation
