// AVX512-VBMI and GFNI: bytes permuted, shifted out of quadwords, and multiplied over GF(2).
#pragma once

#include "tests/emulation/instruction.hpp"
#include "tests/emulation/processor_state.hpp"

namespace burin::emulation {

// VPERMB, VPERMI2B, VPERMT2B, VPMULTISHIFTQB, VGF2P8AFFINEQB, VGF2P8AFFINEINVQB, VGF2P8MULB (VEX and EVEX).
// False for other instructions.
bool emulate_bytes(const Instruction& instruction, ProcessorState& state);

}  // namespace burin::emulation
