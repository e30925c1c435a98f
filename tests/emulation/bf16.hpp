// AVX512-BF16: dot products of two BF16, and conversions from FP32.
#pragma once

#include "tests/emulation/instruction.hpp"
#include "tests/emulation/processor_state.hpp"

namespace burin::emulation {

// VDPBF16PS, VCVTNEPS2BF16 (EVEX), VCVTNE2PS2BF16. False for other instructions.
bool emulate_bf16(const Instruction& instruction, ProcessorState& state);

}  // namespace burin::emulation
