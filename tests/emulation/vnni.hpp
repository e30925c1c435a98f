// AVX512-VNNI, AVX-VNNI and AVX-VNNI-INT8: dot products of four bytes or two words, added to a 32-bit
// integer.
#pragma once

#include "tests/emulation/instruction.hpp"
#include "tests/emulation/processor_state.hpp"

namespace burin::emulation {

// VPDPBUSD, VPDPWSSD, VPDPBSSD, VPDPBSUD, VPDPBUUD and their saturating forms (..S), VEX and EVEX. False for
// others.
bool emulate_vnni(const Instruction& instruction, ProcessorState& state);

}  // namespace burin::emulation
