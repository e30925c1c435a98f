#include "tests/emulation/operands.hpp"

#include <cstring>

#include "tests/emulation/memory.hpp"
#include "tests/emulation/report.hpp"

namespace burin::emulation {

int general_number(ZydisRegister reg) { return ZydisRegisterGetId(reg); }
int vector_number(ZydisRegister reg) { return ZydisRegisterGetId(reg); }
int mask_number(ZydisRegister reg) { return ZydisRegisterGetId(reg); }

std::uint64_t effective_address(const Instruction& instruction, const ZydisDecodedOperand& operand,
                                const ProcessorState& state) {
  const ZydisDecodedOperandMem& memory = operand.mem;
  if (memory.segment == ZYDIS_REGISTER_FS || memory.segment == ZYDIS_REGISTER_GS)
    die("operands relative to fs or gs are not emulated", instruction);
  if (memory.type == ZYDIS_MEMOP_TYPE_VSIB) die("vectors of indices are not emulated", instruction);
  auto address = static_cast<std::uint64_t>(memory.disp.has_displacement ? memory.disp.value : 0);
  if (memory.base == ZYDIS_REGISTER_RIP) {
    address += instruction.address + instruction.decoded.length;
  } else if (memory.base != ZYDIS_REGISTER_NONE) {
    address += state.general(general_number(memory.base));
  }
  if (memory.index != ZYDIS_REGISTER_NONE)
    address += state.general(general_number(memory.index)) * memory.scale;
  return instruction.decoded.address_width == 32 ? address & 0xffffffffu : address;
}

Rounding rounding_of(const Instruction& instruction, const ProcessorState& state) {
  switch (instruction.decoded.avx.rounding.mode) {
    case ZYDIS_ROUNDING_MODE_RN: return Rounding::nearest_even;
    case ZYDIS_ROUNDING_MODE_RD: return Rounding::down;
    case ZYDIS_ROUNDING_MODE_RU: return Rounding::up;
    case ZYDIS_ROUNDING_MODE_RZ: return Rounding::toward_zero;
    default: return static_cast<Rounding>(state.mxcsr() >> 13 & 3);
  }
}

std::uint64_t mask_of(const Instruction& instruction, const ProcessorState& state) {
  const auto& mask = instruction.decoded.avx.mask;
  if (mask.mode == ZYDIS_MASK_MODE_INVALID || mask.mode == ZYDIS_MASK_MODE_DISABLED ||
      mask.reg == ZYDIS_REGISTER_K0)
    return ~std::uint64_t{0};
  return state.mask(mask_number(mask.reg));
}

std::uint8_t immediate_of(const Instruction& instruction) {
  return static_cast<std::uint8_t>(instruction.operand[instruction.operands - 1]->imm.value.u);
}

Source::Source(const Instruction& instruction, int operand, const ProcessorState& state) {
  const ZydisDecodedOperand& from = *instruction.operand[operand];
  if (from.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    memory_ = true;
    const auto& broadcast = instruction.decoded.avx.broadcast;
    broadcast_ = broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID && !broadcast.is_static;
    value_ = effective_address(instruction, from, state);
  } else if (ZydisRegisterGetClass(from.reg.value) == ZYDIS_REGCLASS_GPR32 ||
             ZydisRegisterGetClass(from.reg.value) == ZYDIS_REGCLASS_GPR64) {
    general_ = true;
    value_ = state.general(general_number(from.reg.value));
  } else {
    vector_ = state.vector(vector_number(from.reg.value));
  }
}

std::uint64_t Source::lane(int index, int bytes) const {
  std::uint64_t value = 0;
  const auto count = static_cast<std::size_t>(bytes);
  if (general_) {
    value = bytes == 8 ? value_ : value_ & ((std::uint64_t{1} << (bytes * 8)) - 1);
  } else if (memory_) {
    const std::uint64_t address = value_ + (broadcast_ ? 0 : static_cast<std::uint64_t>(index) * count);
    copy_bytes(&value, reinterpret_cast<const void*>(address), count);
  } else {
    std::memcpy(&value, vector_.data() + static_cast<std::size_t>(index) * count, count);
  }
  return value;
}

VectorResult::VectorResult(const Instruction& instruction, ProcessorState& state, int lane_bytes)
    : instruction_(instruction),
      state_(state),
      lane_bytes_(lane_bytes),
      mask_(mask_of(instruction, state)),
      zeroing_(instruction.decoded.avx.mask.mode == ZYDIS_MASK_MODE_ZEROING),
      number_(vector_number(instruction.operand[0]->reg.value)),
      old_(state.vector(number_)) {}

void VectorResult::put(int index, std::uint64_t value, VectorBytes& bytes) const {
  const auto count = static_cast<std::size_t>(lane_bytes_);
  std::memcpy(bytes.data() + static_cast<std::size_t>(index) * count, &value, count);
}

void VectorResult::set(int index, std::uint64_t value) { lanes_[static_cast<std::size_t>(index)] = value; }

void VectorResult::merge(int index, VectorBytes& bytes) const {
  if (active(index)) {
    put(index, lanes_[static_cast<std::size_t>(index)], bytes);
  } else if (zeroing_) {
    put(index, 0, bytes);
  } else {
    const auto count = static_cast<std::size_t>(lane_bytes_);
    const std::size_t at = static_cast<std::size_t>(index) * count;
    std::memcpy(bytes.data() + at, old_.data() + at, count);
  }
}

void VectorResult::store_packed(int lanes) {
  VectorBytes bytes = {};
  for (int i = 0; i < lanes; ++i) merge(i, bytes);
  state_.set_vector(number_, bytes);
}

void VectorResult::store_scalar(int upper_operand) {
  VectorBytes bytes = {};
  const VectorBytes upper = state_.vector(vector_number(instruction_.operand[upper_operand]->reg.value));
  std::memcpy(bytes.data(), upper.data(), 16);
  merge(0, bytes);
  state_.set_vector(number_, bytes);
}

void set_general_operand(const Instruction& instruction, int operand, std::uint64_t value,
                         ProcessorState& state) {
  const ZydisDecodedOperand& to = *instruction.operand[operand];
  state.set_general(general_number(to.reg.value), to.size == 64 ? value : value & 0xffffffffu);
}

}  // namespace burin::emulation
