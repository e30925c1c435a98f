#include "tests/emulation/bf16.hpp"

#include "tests/emulation/flushed_float.hpp"
#include "tests/emulation/lanes.hpp"

namespace burin::emulation {
namespace {

bool is_nan_bits(std::uint32_t single) { return (single & 0x7fffffffu) > 0x7f800000u; }

// a * b + c with one rounding, as MXCSR says at this point of the program.
float fused(float a, float b, float c) {
  __asm__ volatile("vfmadd231ss %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
  return c;
}

std::uint32_t accumulate(std::uint32_t accumulator, std::uint32_t a, std::uint32_t b) {
  const std::uint32_t a_low = a << 16, b_low = b << 16;
  const std::uint32_t a_high = a & 0xffff0000u, b_high = b & 0xffff0000u;
  // The first NaN in this order is the result, made quiet (SDM volume 2, VDPBF16PS, "NaN Priority").
  for (const std::uint32_t operand : {a_low, b_low, a_high, b_high, accumulator})
    if (is_nan_bits(operand)) return operand | 0x00400000u;
  const float with_high = fused(as_float(a_high), as_float(b_high), as_float(accumulator));
  return as_bits(fused(as_float(a_low), as_float(b_low), with_high));
}

// To nearest even; denormals become zeros, NaNs quiet (SDM volume 2, convert_fp32_to_bfloat16).
std::uint16_t to_bf16(std::uint32_t single) {
  if ((single & 0x7f800000u) == 0) return static_cast<std::uint16_t>(single >> 16 & 0x8000u);
  if (is_nan_bits(single)) return static_cast<std::uint16_t>(single >> 16 | 0x40u);
  return static_cast<std::uint16_t>((single + 0x7fffu + (single >> 16 & 1)) >> 16);
}

void dot_product(const Instruction& instruction, ProcessorState& state) {
  const Source accumulator(instruction, 0, state);
  const Source a(instruction, 1, state);
  const Source b(instruction, 2, state);
  const FlushedFloats flushed;
  write_packed(instruction, state, vector_lanes(instruction, 4), 4, [&](int i) {
    return accumulate(static_cast<std::uint32_t>(accumulator.lane(i, 4)),
                      static_cast<std::uint32_t>(a.lane(i, 4)), static_cast<std::uint32_t>(b.lane(i, 4)));
  });
}

void convert_one(const Instruction& instruction, ProcessorState& state) {
  const Source from(instruction, 1, state);
  write_packed(instruction, state, vector_lanes(instruction, 4), 2,
               [&](int i) { return to_bf16(static_cast<std::uint32_t>(from.lane(i, 4))); });
}

// The lower half of the destination is the last operand, the upper half the one before.
void convert_two(const Instruction& instruction, ProcessorState& state) {
  const Source upper(instruction, 1, state);
  const Source lower(instruction, 2, state);
  const int half = vector_lanes(instruction, 4);
  write_packed(instruction, state, 2 * half, 2, [&](int i) {
    const std::uint64_t single = i < half ? lower.lane(i, 4) : upper.lane(i - half, 4);
    return to_bf16(static_cast<std::uint32_t>(single));
  });
}

}  // namespace

bool emulate_bf16(const Instruction& instruction, ProcessorState& state) {
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VDPBF16PS: dot_product(instruction, state); return true;
    case ZYDIS_MNEMONIC_VCVTNE2PS2BF16: convert_two(instruction, state); return true;
    case ZYDIS_MNEMONIC_VCVTNEPS2BF16: convert_one(instruction, state); return true;
    default: return false;
  }
}

}  // namespace burin::emulation
