#include "tests/emulation/fp16.hpp"
#include "tests/emulation/half.hpp"
#include "tests/emulation/lanes.hpp"
#include "tests/emulation/memory.hpp"

namespace burin::emulation {
namespace {

bool is_memory(const Instruction& instruction, int operand) {
  return instruction.operand[operand]->type == ZYDIS_OPERAND_TYPE_MEMORY;
}
bool is_vector(const Instruction& instruction, int operand) {
  return !is_memory(instruction, operand) &&
         ZydisRegisterGetClass(instruction.operand[operand]->reg.value) == ZYDIS_REGCLASS_XMM;
}

void store_half(const Instruction& instruction, const ProcessorState& state, Half value) {
  const std::uint64_t address = effective_address(instruction, *instruction.operand[0], state);
  copy_bytes(reinterpret_cast<void*>(address), &value, sizeof(value));
}

// Between the lowest lane and memory or a general register; whatever is above becomes zero.
void move_word(const Instruction& instruction, ProcessorState& state) {
  const Source from(instruction, 1, state);
  const auto value = static_cast<Half>(from.lane(0, 2));
  if (is_memory(instruction, 0))
    store_half(instruction, state, value);
  else if (is_vector(instruction, 0))
    write_packed(instruction, state, 1, 2, [&](int) { return value; });
  else
    set_general_operand(instruction, 0, value, state);
}

// xmm{k}, xmm, xmm takes the other lanes from the second; xmm{k}, m16 clears them; m16{k}, xmm.
void move_scalar(const Instruction& instruction, ProcessorState& state) {
  const Source from(instruction, instruction.operands - 1, state);
  const auto value = [&](int i) { return from.lane(i, 2); };
  if (is_memory(instruction, 0)) {
    if ((mask_of(instruction, state) & 1) != 0) store_half(instruction, state, static_cast<Half>(value(0)));
  } else if (instruction.operands == 3) {
    write_scalar(instruction, state, 1, 2, value);
  } else {
    write_packed(instruction, state, 1, 2, value);
  }
}

}  // namespace

bool emulate_fp16_move(const Instruction& instruction, ProcessorState& state) {
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VMOVW: move_word(instruction, state); return true;
    case ZYDIS_MNEMONIC_VMOVSH: move_scalar(instruction, state); return true;
    default: return false;
  }
}

}  // namespace burin::emulation
