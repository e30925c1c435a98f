#include "tests/emulation/instruction.hpp"

#include <algorithm>
#include <cstring>

#include "tests/emulation/loaded_kernel.hpp"
#include "tests/emulation/memory.hpp"
#include "tests/emulation/report.hpp"

namespace burin::emulation {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLongest = ZYDIS_MAX_INSTRUCTION_LENGTH;

// The prefix that selects among instructions of one opcode; its number in the VEX and EVEX field `pp`.
enum Prefix : unsigned { kNone = 0, k66 = 1, kF3 = 2, kF2 = 3 };

// A younger instruction and the older one whose operands are encoded and sized the same way: decoding the
// bytes with the older prefix in place gives the operands of the younger one.
struct Alias {
  Younger younger;
  const char* name;
  unsigned opcode;  // in map 0F38
  Prefix prefix;
  Prefix older_prefix;
  bool evex;
  bool vex;
};
constexpr Alias kAliases[] = {
    // TDPBF16PS is VEX.128.F3.0F38.W0 5C.
    {Younger::tdpfp16ps, "tdpfp16ps", 0x5c, kF2, kF3, false, true},
    // VPDPBUSD and VPDPBUSDS are 66.0F38.W0 50 and 51.
    {Younger::vpdpbssd, "vpdpbssd", 0x50, kF2, k66, true, true},
    {Younger::vpdpbssds, "vpdpbssds", 0x51, kF2, k66, true, true},
    {Younger::vpdpbsud, "vpdpbsud", 0x50, kF3, k66, true, true},
    {Younger::vpdpbsuds, "vpdpbsuds", 0x51, kF3, k66, true, true},
    {Younger::vpdpbuud, "vpdpbuud", 0x50, kNone, k66, true, true},
    {Younger::vpdpbuuds, "vpdpbuuds", 0x51, kNone, k66, true, true},
};

// Where the prefix field is: VEX is C4 RXBmmmmm WvvvvLpp opcode, EVEX is 62 P0 P1 P2 opcode with map in the
// low bits of P0, W and pp in P1 (SDM volume 2, sections 2.3.5 and 2.7.1). Younger ones have no segment
// prefix.
const Alias* find_alias(const std::uint8_t* bytes) {
  const bool vex = bytes[0] == 0xc4;
  const bool evex = bytes[0] == 0x62;
  if (!vex && !evex) return nullptr;
  const unsigned map = bytes[1] & (vex ? 0x1fu : 0x07u);
  const unsigned opcode = bytes[vex ? 3 : 4];
  if (map != 2 || (bytes[2] & 0x80u) != 0) return nullptr;
  for (const Alias& alias : kAliases)
    if (alias.opcode == opcode && alias.prefix == (bytes[2] & 3u) && (vex ? alias.vex : alias.evex))
      return &alias;
  return nullptr;
}

ZyanStatus decode_bytes(const std::uint8_t* bytes, std::size_t count, Instruction& to) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  return ZydisDecoderDecodeFull(&decoder, bytes, count, &to.decoded, to.decoded_operands);
}

ZyanStatus decode_known(std::size_t count, Instruction& to) {
  to.younger = Younger::none;
  const Alias* alias = find_alias(to.bytes);
  if (alias == nullptr) return decode_bytes(to.bytes, count, to);
  std::uint8_t older[kLongest];
  std::memcpy(older, to.bytes, kLongest);
  older[2] = static_cast<std::uint8_t>((older[2] & ~3u) | alias->older_prefix);
  const ZyanStatus status = decode_bytes(older, count, to);
  to.younger = alias->younger;
  to.decoded.mnemonic = ZYDIS_MNEMONIC_INVALID;
  to.name = alias->name;
  return status;
}

}  // namespace

void decode(std::uint64_t address, Instruction& instruction) {
  if (!try_decode(address, instruction))
    die_at("SIGILL at bytes that are no known instruction", address, instruction.bytes,
           instruction.available);
}

bool try_decode(std::uint64_t address, Instruction& instruction) {
  instruction.address = address;
  const std::uint64_t from = LoadedKernel::as_emitted(address);
  const std::size_t in_page = kPage - from % kPage;
  const auto decode_first = [&](std::size_t count) {
    instruction.available = count;
    copy_bytes(instruction.bytes, reinterpret_cast<const void*>(from), count);
    return decode_known(count, instruction);
  };
  ZyanStatus status = decode_first(std::min(in_page, kLongest));
  if (status == ZYDIS_STATUS_NO_MORE_DATA && in_page < kLongest) status = decode_first(kLongest);
  if (!ZYAN_SUCCESS(status)) return false;

  if (instruction.younger == Younger::none)
    instruction.name = ZydisMnemonicGetString(instruction.decoded.mnemonic);
  instruction.operands = 0;
  for (int i = 0; i < instruction.decoded.operand_count_visible && instruction.operands < 5; ++i) {
    const ZydisDecodedOperand& operand = instruction.decoded_operands[i];
    if (operand.encoding == ZYDIS_OPERAND_ENCODING_MASK) continue;
    instruction.operand[instruction.operands++] = &operand;
  }
  return true;
}

std::size_t name_index(const Instruction& instruction) {
  if (instruction.younger != Younger::none)
    return ZYDIS_MNEMONIC_MAX_VALUE + static_cast<std::size_t>(instruction.younger);
  return static_cast<std::size_t>(instruction.decoded.mnemonic);
}

std::size_t name_index(const char* name) {
  for (const Alias& alias : kAliases)
    if (std::strcmp(alias.name, name) == 0)
      return ZYDIS_MNEMONIC_MAX_VALUE + static_cast<std::size_t>(alias.younger);
  for (int i = 1; i <= ZYDIS_MNEMONIC_MAX_VALUE; ++i)
    if (std::strcmp(ZydisMnemonicGetString(static_cast<ZydisMnemonic>(i)), name) == 0)
      return static_cast<std::size_t>(i);
  return 0;
}

const char* name_at(std::size_t index) {
  for (const Alias& alias : kAliases)
    if (index == ZYDIS_MNEMONIC_MAX_VALUE + static_cast<std::size_t>(alias.younger)) return alias.name;
  return ZydisMnemonicGetString(static_cast<ZydisMnemonic>(index));
}

}  // namespace burin::emulation
