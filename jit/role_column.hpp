// Operands of instructions by what their registers are for, instruction by instruction.
#pragma once

#include <Zydis/Zydis.h>

#include <cstddef>
#include <string>
#include <vector>

#include "jit/code_image.hpp"

namespace burin::jit {

class RoleColumn {
 public:
  // The image must outlive it.
  explicit RoleColumn(const CodeImage& image) : next_(image.roles.begin()), end_(image.roles.end()) {}

  // "sum[0,1], code[1], [weights]" of the instruction at an offset, which must not fall from call to call. Registers
  // without a role are called by their names; empty where none has a role.
  std::string of(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands,
                 std::size_t at);

 private:
  std::string text_of(const ZydisDecodedOperand& operand);
  std::string text_of(ZydisRegister reg);

  std::vector<RoleChange>::const_iterator next_;
  std::vector<RoleChange>::const_iterator end_;
  Roles roles_;
  bool has_role_ = false;
};

}  // namespace burin::jit
