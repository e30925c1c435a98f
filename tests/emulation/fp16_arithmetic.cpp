#include "tests/emulation/fp16.hpp"
#include "tests/emulation/half_parts.hpp"
#include "tests/emulation/lanes.hpp"

namespace burin::emulation {
namespace {

struct Binary {
  ZydisMnemonic packed;
  ZydisMnemonic scalar;
  Half (*compute)(Half a, Half b, Rounding rounding);
};
constexpr Binary kBinary[] = {
    {ZYDIS_MNEMONIC_VADDPH, ZYDIS_MNEMONIC_VADDSH, half_add},
    {ZYDIS_MNEMONIC_VSUBPH, ZYDIS_MNEMONIC_VSUBSH, half_subtract},
    {ZYDIS_MNEMONIC_VMULPH, ZYDIS_MNEMONIC_VMULSH, half_multiply},
    {ZYDIS_MNEMONIC_VDIVPH, ZYDIS_MNEMONIC_VDIVSH, half_divide},
    {ZYDIS_MNEMONIC_VSCALEFPH, ZYDIS_MNEMONIC_VSCALEFSH, half_scale},
    {ZYDIS_MNEMONIC_VMAXPH, ZYDIS_MNEMONIC_VMAXSH, [](Half a, Half b, Rounding) { return half_max(a, b); }},
    {ZYDIS_MNEMONIC_VMINPH, ZYDIS_MNEMONIC_VMINSH, [](Half a, Half b, Rounding) { return half_min(a, b); }},
};

// What VRNDSCALEPH and VREDUCEPH read in their immediate (SDM volume 2, VRNDSCALEPH, "Imm8 Controls"):
//
//    7      4   3    2    1  0
//    [ bits ][ SPE ][ RS ][ RC ]     RS: round as MXCSR says instead of RC
int fraction_bits(std::uint8_t immediate) { return immediate >> 4; }
Rounding rounding_in(std::uint8_t immediate, Rounding by_mxcsr) {
  return (immediate & 4) != 0 ? by_mxcsr : static_cast<Rounding>(immediate & 3);
}

struct Unary {
  ZydisMnemonic packed;
  ZydisMnemonic scalar;
  bool has_immediate;
  Half (*compute)(Half a, Rounding rounding, std::uint8_t immediate);
};
constexpr Unary kUnary[] = {
    {ZYDIS_MNEMONIC_VSQRTPH, ZYDIS_MNEMONIC_VSQRTSH, false,
     [](Half a, Rounding rounding, std::uint8_t) { return half_square_root(a, rounding); }},
    {ZYDIS_MNEMONIC_VRCPPH, ZYDIS_MNEMONIC_VRCPSH, false,
     [](Half a, Rounding, std::uint8_t) { return half_reciprocal(a); }},
    {ZYDIS_MNEMONIC_VRSQRTPH, ZYDIS_MNEMONIC_VRSQRTSH, false,
     [](Half a, Rounding, std::uint8_t) { return half_reciprocal_square_root(a); }},
    {ZYDIS_MNEMONIC_VGETEXPPH, ZYDIS_MNEMONIC_VGETEXPSH, false,
     [](Half a, Rounding, std::uint8_t) { return half_exponent(a); }},
    {ZYDIS_MNEMONIC_VGETMANTPH, ZYDIS_MNEMONIC_VGETMANTSH, true,
     [](Half a, Rounding, std::uint8_t immediate) {
       return half_mantissa(a, static_cast<MantissaInterval>(immediate & 3), immediate >> 2 & 3u);
     }},
    {ZYDIS_MNEMONIC_VRNDSCALEPH, ZYDIS_MNEMONIC_VRNDSCALESH, true,
     [](Half a, Rounding rounding, std::uint8_t immediate) {
       return half_round(a, fraction_bits(immediate), rounding_in(immediate, rounding));
     }},
    {ZYDIS_MNEMONIC_VREDUCEPH, ZYDIS_MNEMONIC_VREDUCESH, true,
     [](Half a, Rounding rounding, std::uint8_t immediate) {
       return half_reduce(a, fraction_bits(immediate), rounding_in(immediate, rounding));
     }},
};

template <typename Compute>
void write_halves(const Instruction& instruction, ProcessorState& state, bool scalar, Compute compute) {
  if (scalar)
    write_scalar(instruction, state, 1, 2, compute);
  else
    write_packed(instruction, state, vector_lanes(instruction, 2), 2, compute);
}

void run(const Binary& row, const Instruction& instruction, ProcessorState& state) {
  const Source a(instruction, 1, state);
  const Source b(instruction, 2, state);
  const Rounding rounding = rounding_of(instruction, state);
  write_halves(instruction, state, instruction.decoded.mnemonic == row.scalar, [&](int i) {
    return row.compute(static_cast<Half>(a.lane(i, 2)), static_cast<Half>(b.lane(i, 2)), rounding);
  });
}

void run(const Unary& row, const Instruction& instruction, ProcessorState& state) {
  const bool scalar = instruction.decoded.mnemonic == row.scalar;
  const Source a(instruction, scalar ? 2 : 1, state);
  const Rounding rounding = rounding_of(instruction, state);
  const std::uint8_t immediate = row.has_immediate ? immediate_of(instruction) : std::uint8_t{0};
  write_halves(instruction, state, scalar,
               [&](int i) { return row.compute(static_cast<Half>(a.lane(i, 2)), rounding, immediate); });
}

}  // namespace

bool is_fp16(const Instruction& instruction) {
  switch (instruction.decoded.meta.isa_set) {
    case ZYDIS_ISA_SET_AVX512_FP16_128:
    case ZYDIS_ISA_SET_AVX512_FP16_128N:
    case ZYDIS_ISA_SET_AVX512_FP16_256:
    case ZYDIS_ISA_SET_AVX512_FP16_512:
    case ZYDIS_ISA_SET_AVX512_FP16_SCALAR: return true;
    default: return false;
  }
}

bool emulate_fp16_arithmetic(const Instruction& instruction, ProcessorState& state) {
  const ZydisMnemonic mnemonic = instruction.decoded.mnemonic;
  for (const Binary& row : kBinary) {
    if (mnemonic == row.packed || mnemonic == row.scalar) {
      run(row, instruction, state);
      return true;
    }
  }
  for (const Unary& row : kUnary) {
    if (mnemonic == row.packed || mnemonic == row.scalar) {
      run(row, instruction, state);
      return true;
    }
  }
  return false;
}

}  // namespace burin::emulation
