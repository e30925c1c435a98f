#include "tests/emulation/byte_instructions.hpp"

#include "tests/emulation/lanes.hpp"

namespace burin::emulation {
namespace {

using Byte = std::uint8_t;

Byte byte_at(const Source& source, int index) { return static_cast<Byte>(source.lane(index, 1)); }
Byte byte_of(std::uint64_t quadword, int index) { return static_cast<Byte>(quadword >> (8 * index)); }

template <typename Compute>
void write_bytes(const Instruction& instruction, ProcessorState& state, Compute compute) {
  write_packed(instruction, state, vector_lanes(instruction, 1), 1, compute);
}

void permute_one(const Instruction& instruction, ProcessorState& state) {
  const Source indices(instruction, 1, state);
  const Source table(instruction, 2, state);
  const int count = vector_lanes(instruction, 1);
  write_bytes(instruction, state, [&](int i) { return byte_at(table, byte_at(indices, i) & (count - 1)); });
}

// The bit above those that count the bytes of one table selects the second.
void permute_two(const Instruction& instruction, ProcessorState& state, int indices_operand,
                 int first_operand) {
  const Source indices(instruction, indices_operand, state);
  const Source first(instruction, first_operand, state);
  const Source second(instruction, 2, state);
  const int count = vector_lanes(instruction, 1);
  write_bytes(instruction, state, [&](int i) {
    const int index = byte_at(indices, i);
    return byte_at((index & count) != 0 ? second : first, index & (count - 1));
  });
}

// Eight bits of the quadword from a bit position on, round its end.
void shift_out(const Instruction& instruction, ProcessorState& state) {
  const Source positions(instruction, 1, state);
  const Source data(instruction, 2, state);
  write_bytes(instruction, state, [&](int i) {
    const std::uint64_t quadword = data.lane(i / 8, 8);
    const int position = byte_at(positions, i) & 63;
    return static_cast<Byte>(position == 0 ? quadword : quadword >> position | quadword << (64 - position));
  });
}

// In GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1.
Byte multiply(Byte a, Byte b) {
  unsigned product = 0;
  for (unsigned bit = 0; bit < 8; ++bit)
    if ((b >> bit & 1) != 0) product ^= unsigned{a} << bit;
  for (unsigned bit = 14; bit >= 8; --bit)
    if ((product >> bit & 1) != 0) product ^= 0x11bu << (bit - 8);
  return static_cast<Byte>(product);
}

// x^254 = 1/x, and 0 for 0.
Byte inverse(Byte x) {
  Byte power = x;
  for (int i = 0; i < 6; ++i) power = multiply(multiply(power, power), x);
  return multiply(power, power);
}

// Bit i of the result is the parity of row 7 - i of the matrix and x.
Byte transform(std::uint64_t matrix, Byte x, Byte constant) {
  unsigned result = constant;
  for (int i = 0; i < 8; ++i)
    result ^= (static_cast<unsigned>(__builtin_popcount(byte_of(matrix, 7 - i) & x)) & 1u) << i;
  return static_cast<Byte>(result);
}

void affine(const Instruction& instruction, ProcessorState& state, bool inverted) {
  const Source bytes(instruction, 1, state);
  const Source matrices(instruction, 2, state);
  const Byte constant = immediate_of(instruction);
  write_bytes(instruction, state, [&](int i) {
    const Byte x = byte_at(bytes, i);
    return transform(matrices.lane(i / 8, 8), inverted ? inverse(x) : x, constant);
  });
}

void multiply_bytes(const Instruction& instruction, ProcessorState& state) {
  const Source a(instruction, 1, state);
  const Source b(instruction, 2, state);
  write_bytes(instruction, state, [&](int i) { return multiply(byte_at(a, i), byte_at(b, i)); });
}

}  // namespace

bool emulate_bytes(const Instruction& instruction, ProcessorState& state) {
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VPERMB: permute_one(instruction, state); return true;
    case ZYDIS_MNEMONIC_VPERMI2B: permute_two(instruction, state, 0, 1); return true;
    case ZYDIS_MNEMONIC_VPERMT2B: permute_two(instruction, state, 1, 0); return true;
    case ZYDIS_MNEMONIC_VPMULTISHIFTQB: shift_out(instruction, state); return true;
    case ZYDIS_MNEMONIC_VGF2P8AFFINEQB: affine(instruction, state, false); return true;
    case ZYDIS_MNEMONIC_VGF2P8AFFINEINVQB: affine(instruction, state, true); return true;
    case ZYDIS_MNEMONIC_VGF2P8MULB: multiply_bytes(instruction, state); return true;
    default: return false;
  }
}

}  // namespace burin::emulation
