#include "tests/emulation/emulate.hpp"

#include "tests/emulation/amx.hpp"
#include "tests/emulation/bf16.hpp"
#include "tests/emulation/byte_instructions.hpp"
#include "tests/emulation/fp16.hpp"
#include "tests/emulation/report.hpp"
#include "tests/emulation/vnni.hpp"

namespace burin::emulation {
namespace {

constexpr bool (*kGroups[])(const Instruction&, ProcessorState&) = {
    emulate_amx,
    emulate_vnni,
    emulate_bf16,
    emulate_fp16_fused,
    emulate_fp16_arithmetic,
    emulate_fp16_conversion,
    emulate_fp16_move,
    emulate_fp16_comparison,
    emulate_bytes,
};

}  // namespace

void emulate_instruction(const Instruction& instruction, ProcessorState& state) {
  for (const auto& emulate : kGroups) {
    if (!emulate(instruction, state)) continue;
    state.set_rip(instruction.address + instruction.decoded.length);
    return;
  }
  die("this instruction is not emulated", instruction);
}

}  // namespace burin::emulation
