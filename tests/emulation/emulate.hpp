// One instruction, whichever group it is of.
#pragma once

#include "tests/emulation/instruction.hpp"
#include "tests/emulation/processor_state.hpp"

namespace burin::emulation {

// Emulates the decoded instruction and moves the state's RIP behind it. Where it is not known, or where the
// processor would fault, a line on stderr tells its name, address and bytes, and SIGILL ends the process. A
// fault on its memory operand happens here. Async-signal-safe.
void emulate_instruction(const Instruction& instruction, ProcessorState& state);

}  // namespace burin::emulation
