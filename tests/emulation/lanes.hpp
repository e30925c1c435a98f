// Destinations filled lane by lane: a function computes every lane that the mask lets through, no other.
#pragma once

#include <cstdint>

#include "tests/emulation/operands.hpp"

namespace burin::emulation {

// Lanes of `bytes` in the vector length of the instruction.
inline int vector_lanes(const Instruction& instruction, int bytes) {
  return instruction.decoded.avx.vector_length / 8 / bytes;
}

// `lanes` lanes of `bytes`: compute(lane) gives their bits.
template <typename Compute>
void write_packed(const Instruction& instruction, ProcessorState& state, int lanes, int bytes,
                  Compute compute) {
  VectorResult result(instruction, state, bytes);
  for (int i = 0; i < lanes; ++i)
    if (result.active(i)) result.set(i, compute(i));
  result.store_packed(lanes);
}

// The lowest lane: compute(0) gives its bits; the others up to byte 15 are those of operand `upper`.
template <typename Compute>
void write_scalar(const Instruction& instruction, ProcessorState& state, int upper, int bytes,
                  Compute compute) {
  VectorResult result(instruction, state, bytes);
  if (result.active(0)) result.set(0, compute(0));
  result.store_scalar(upper);
}

// A mask register: bits of lanes that the mask leaves out, and all beyond `lanes`, are 0.
template <typename Compute>
void write_mask(const Instruction& instruction, ProcessorState& state, int lanes, Compute compute) {
  const std::uint64_t mask = mask_of(instruction, state);
  std::uint64_t result = 0;
  for (int i = 0; i < lanes; ++i)
    if ((mask >> i & 1) != 0) result |= std::uint64_t{compute(i)} << i;
  state.set_mask(mask_number(instruction.operand[0]->reg.value), result);
}

}  // namespace burin::emulation
