#include "jit/role_column.hpp"

#include <fmt/format.h>

#include <optional>

namespace burin::jit {
namespace {

std::optional<std::size_t> number_of(ZydisRegister reg) {
  const ZydisRegister larger = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  const ZydisRegister whole = larger == ZYDIS_REGISTER_NONE ? reg : larger;
  const int index = ZydisRegisterGetId(whole);
  switch (ZydisRegisterGetClass(whole)) {
    case ZYDIS_REGCLASS_GPR64: return register_number(RegisterFile::general, index);
    case ZYDIS_REGCLASS_ZMM: return register_number(RegisterFile::vector, index);
    case ZYDIS_REGCLASS_MASK: return register_number(RegisterFile::mask, index);
    case ZYDIS_REGCLASS_TMM: return register_number(RegisterFile::tile, index);
    default: return std::nullopt;
  }
}

}  // namespace

std::string RoleColumn::of(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands,
                           std::size_t at) {
  for (; next_ != end_ && next_->offset <= at; ++next_) roles_[next_->register_number] = next_->role;
  if (instruction.mnemonic == ZYDIS_MNEMONIC_NOP) return {};
  has_role_ = false;
  std::string text;
  for (int i = 0; i < instruction.operand_count_visible; ++i) {
    const std::string operand = text_of(operands[i]);
    if (!operand.empty()) text += (text.empty() ? "" : ", ") + operand;
  }
  return has_role_ ? text : std::string();
}

// Without immediates, constants, and the mask that leaves nothing out.
std::string RoleColumn::text_of(const ZydisDecodedOperand& operand) {
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER)
    return operand.reg.value == ZYDIS_REGISTER_K0 ? std::string() : text_of(operand.reg.value);
  if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || operand.mem.base == ZYDIS_REGISTER_RIP) return {};
  const std::string base = text_of(operand.mem.base);
  if (operand.mem.index == ZYDIS_REGISTER_NONE) return fmt::format("[{}]", base);
  return fmt::format("[{}+{}]", base, text_of(operand.mem.index));
}

std::string RoleColumn::text_of(ZydisRegister reg) {
  const std::optional<std::size_t> number = number_of(reg);
  const std::string role = number ? to_text(roles_[*number]) : std::string();
  if (role.empty()) return ZydisRegisterGetString(reg);
  has_role_ = true;
  return role;
}

}  // namespace burin::jit
