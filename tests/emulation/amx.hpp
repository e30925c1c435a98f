// The AMX instructions: tiles, and products of tiles of 8-bit integers, BF16 and FP16.
#pragma once

#include "tests/emulation/instruction.hpp"
#include "tests/emulation/processor_state.hpp"

namespace burin::emulation {

bool is_amx(const Instruction& instruction);

// Emulates an AMX instruction on the tiles of the calling thread. False for other instructions; aborts with a
// message where the processor raises #UD or #GP.
bool emulate_amx(const Instruction& instruction, ProcessorState& state);

}  // namespace burin::emulation
