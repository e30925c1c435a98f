#include "tests/emulation/conversion.hpp"
#include "tests/emulation/fp16.hpp"
#include "tests/emulation/lanes.hpp"

namespace burin::emulation {
namespace {

using enum NumberType;

enum class Shape : std::uint8_t {
  packed,
  scalar,        // xmm, xmm, xmm or memory
  from_general,  // xmm, xmm, general register or memory
  to_general,    // general register, xmm or memory
};
struct Row {
  ZydisMnemonic mnemonic;
  NumberType from, to;  // of integers in general registers: 32 bits stand for 64, too
  Shape shape = Shape::packed;
  bool truncates = false;
};
constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_VCVTPS2PHX, fp32, fp16},
    {ZYDIS_MNEMONIC_VCVTPH2PSX, fp16, fp32},
    {ZYDIS_MNEMONIC_VCVTPD2PH, fp64, fp16},
    {ZYDIS_MNEMONIC_VCVTPH2PD, fp16, fp64},
    {ZYDIS_MNEMONIC_VCVTW2PH, s16, fp16},
    {ZYDIS_MNEMONIC_VCVTUW2PH, u16, fp16},
    {ZYDIS_MNEMONIC_VCVTDQ2PH, s32, fp16},
    {ZYDIS_MNEMONIC_VCVTUDQ2PH, u32, fp16},
    {ZYDIS_MNEMONIC_VCVTQQ2PH, s64, fp16},
    {ZYDIS_MNEMONIC_VCVTUQQ2PH, u64, fp16},
    {ZYDIS_MNEMONIC_VCVTPH2W, fp16, s16},
    {ZYDIS_MNEMONIC_VCVTPH2UW, fp16, u16},
    {ZYDIS_MNEMONIC_VCVTPH2DQ, fp16, s32},
    {ZYDIS_MNEMONIC_VCVTPH2UDQ, fp16, u32},
    {ZYDIS_MNEMONIC_VCVTPH2QQ, fp16, s64},
    {ZYDIS_MNEMONIC_VCVTPH2UQQ, fp16, u64},
    {ZYDIS_MNEMONIC_VCVTTPH2W, fp16, s16, Shape::packed, true},
    {ZYDIS_MNEMONIC_VCVTTPH2UW, fp16, u16, Shape::packed, true},
    {ZYDIS_MNEMONIC_VCVTTPH2DQ, fp16, s32, Shape::packed, true},
    {ZYDIS_MNEMONIC_VCVTTPH2UDQ, fp16, u32, Shape::packed, true},
    {ZYDIS_MNEMONIC_VCVTTPH2QQ, fp16, s64, Shape::packed, true},
    {ZYDIS_MNEMONIC_VCVTTPH2UQQ, fp16, u64, Shape::packed, true},
    {ZYDIS_MNEMONIC_VCVTSS2SH, fp32, fp16, Shape::scalar},
    {ZYDIS_MNEMONIC_VCVTSH2SS, fp16, fp32, Shape::scalar},
    {ZYDIS_MNEMONIC_VCVTSD2SH, fp64, fp16, Shape::scalar},
    {ZYDIS_MNEMONIC_VCVTSH2SD, fp16, fp64, Shape::scalar},
    {ZYDIS_MNEMONIC_VCVTSI2SH, s32, fp16, Shape::from_general},
    {ZYDIS_MNEMONIC_VCVTUSI2SH, u32, fp16, Shape::from_general},
    {ZYDIS_MNEMONIC_VCVTSH2SI, fp16, s32, Shape::to_general},
    {ZYDIS_MNEMONIC_VCVTSH2USI, fp16, u32, Shape::to_general},
    {ZYDIS_MNEMONIC_VCVTTSH2SI, fp16, s32, Shape::to_general, true},
    {ZYDIS_MNEMONIC_VCVTTSH2USI, fp16, u32, Shape::to_general, true},
};

NumberType sized(NumberType type, int bits) {
  if (bits != 64) return type;
  return type == s32 ? s64 : u64;
}

void run(const Row& row, const Instruction& instruction, ProcessorState& state) {
  const int operand = instruction.operands - 1;
  const NumberType from =
      row.shape == Shape::from_general ? sized(row.from, instruction.operand[operand]->size) : row.from;
  const NumberType to = row.shape == Shape::to_general ? sized(row.to, instruction.operand[0]->size) : row.to;
  const Source source(instruction, operand, state);
  const Rounding rounding = row.truncates ? Rounding::toward_zero : rounding_of(instruction, state);
  const bool wide_float = from == fp32 || from == fp64;
  const bool denormals_are_zeros = wide_float && (state.mxcsr() & 0x40) != 0;
  const auto compute = [&](int i) {
    const std::uint64_t value = source.lane(i, bytes_of(from));
    return convert(denormals_are_zeros ? without_denormal(value, from) : value, from, to, rounding);
  };
  const int wider = bytes_of(from) > bytes_of(to) ? bytes_of(from) : bytes_of(to);
  switch (row.shape) {
    case Shape::packed:
      return write_packed(instruction, state, vector_lanes(instruction, wider), bytes_of(to), compute);
    case Shape::scalar:
    case Shape::from_general: return write_scalar(instruction, state, 1, bytes_of(to), compute);
    case Shape::to_general: return set_general_operand(instruction, 0, compute(0), state);
  }
}

}  // namespace

bool emulate_fp16_conversion(const Instruction& instruction, ProcessorState& state) {
  for (const Row& row : kRows) {
    if (instruction.decoded.mnemonic == row.mnemonic) {
      run(row, instruction, state);
      return true;
    }
  }
  return false;
}

}  // namespace burin::emulation
