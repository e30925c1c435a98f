// One decoded instruction, also of those that are younger than the Zydis this system has.
#pragma once

#include <Zydis/Zydis.h>

#include <cstddef>
#include <cstdint>

namespace burin::emulation {

// What Zydis 4.0 does not know by its own mnemonic.
enum class Younger : std::uint8_t {
  none,
  tdpfp16ps,
  vpdpbssd,
  vpdpbssds,
  vpdpbsud,
  vpdpbsuds,
  vpdpbuud,
  vpdpbuuds,
};

struct Instruction {
  std::uint64_t address = 0;
  std::uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH] = {};
  std::size_t available = 0;  // of `bytes`, those that could be read
  const char* name = "";      // in small letters
  Younger younger = Younger::none;
  // For a younger instruction: an older one of the same operands; only `mnemonic` is cleared.
  ZydisDecodedInstruction decoded = {};
  ZydisDecodedOperand decoded_operands[ZYDIS_MAX_OPERAND_COUNT] = {};
  // The operands as written, without the mask register.
  const ZydisDecodedOperand* operand[5] = {};
  int operands = 0;

  Instruction() = default;
  Instruction(const Instruction&) = delete;  // `operand` points into the object
  Instruction& operator=(const Instruction&) = delete;
};

// Decodes the instruction at `address`; reads the next page only if the instruction reaches into it.
// Aborts with the bytes where there is none.
void decode(std::uint64_t address, Instruction& instruction);
// False where there is none.
bool try_decode(std::uint64_t address, Instruction& instruction);

// What an instruction is counted under. Names of Zydis and of Younger; 0 for an unknown name.
std::size_t name_index(const Instruction& instruction);
std::size_t name_index(const char* name);
const char* name_at(std::size_t index);
constexpr std::size_t kNames = ZYDIS_MNEMONIC_MAX_VALUE + 16;

}  // namespace burin::emulation
