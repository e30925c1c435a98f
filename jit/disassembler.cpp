#include "jit/disassembler.hpp"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>

#include "jit/error.hpp"
#include "jit/role_column.hpp"

namespace burin::jit {
namespace {

// TDPFP16PS is younger than Zydis 4.0; its operands are those of TDPBF16PS, whose prefix is F3 instead of F2
// (VEX.128.0F38.W0 5C).
constexpr std::uint8_t kPrefixBits = 3;
constexpr std::uint8_t kF3 = 2;
constexpr std::uint8_t kF2 = 3;

bool is_tdpfp16ps(const CodeImage& image, std::size_t at) {
  if (image.code_size - at < 5) return false;
  const std::uint8_t* bytes = image.bytes.data() + at;
  return bytes[0] == 0xc4 && (bytes[1] & 0x1f) == 2 && (bytes[2] & (0x80 | kPrefixBits)) == kF2 &&
         bytes[3] == 0x5c;
}

// Of the instruction there, with its operands. Fails where there is none.
void decode(const ZydisDecoder& decoder, const CodeImage& image, std::size_t at,
            ZydisDecodedInstruction& instruction, ZydisDecodedOperand* operands) {
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> bytes = {};
  const std::size_t count = std::min(image.code_size - at, bytes.size());
  std::memcpy(bytes.data(), image.bytes.data() + at, count);
  if (is_tdpfp16ps(image, at)) bytes[2] = static_cast<std::uint8_t>((bytes[2] & ~kPrefixBits) | kF3);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes.data(), count, &instruction, operands)))
    fail("kernel {}: no instruction at offset {:#x}", image.name, at);
}

// Calls visit(offset, instruction, operands) for every instruction.
template <typename Visit>
void for_each_instruction(const CodeImage& image, Visit visit) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  for (std::size_t at = 0; at < image.code_size;) {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    decode(decoder, image, at, instruction, operands);
    visit(at, instruction, operands);
    at += instruction.length;
  }
}

struct Label {
  int number = 0;
  std::uint64_t last_jump = 0;  // back to it: the end of a loop
  bool is_loop = false;
  int instructions = 0;  // of the loop
};

// Where jumps lead, and what lies between a jump back and its target.
class Structure {
 public:
  explicit Structure(const CodeImage& image) : bytes_(image.bytes) {
    for_each_instruction(image, [&](std::size_t at, const ZydisDecodedInstruction& instruction,
                                    const ZydisDecodedOperand* operands) {
      const bool jump = instruction.meta.category == ZYDIS_CATEGORY_COND_BR ||
                        instruction.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
      ZyanU64 target = 0;
      if (!jump || !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operands[0], at, &target))) return;
      Label& label = labels_[target];
      label.is_loop |= target <= at;
      label.last_jump = std::max<std::uint64_t>(label.last_jump, at);
    });
    int number = 0;
    for (auto& [at, label] : labels_) label.number = ++number;
    for_each_instruction(image, [&](std::size_t at, const auto&, const auto*) {
      for (auto& [first, label] : labels_) label.instructions += contains(first, label, at) ? 1 : 0;
    });
  }

  // Of the instruction there; null where no jump leads to it.
  const Label* label(std::uint64_t at) const {
    const auto found = labels_.find(at);
    return found == labels_.end() ? nullptr : &found->second;
  }
  // Loops around the instruction.
  std::size_t depth(std::uint64_t at) const {
    return static_cast<std::size_t>(std::count_if(labels_.begin(), labels_.end(), [&](const auto& entry) {
      return contains(entry.first, entry.second, at);
    }));
  }
  // "L3", or "constant 0x3f800000", which is its first dword.
  std::string name_of(std::uint64_t address) const {
    const Label* found = label(address);
    if (found != nullptr) return fmt::format("L{}", found->number);
    std::uint32_t dword = 0;
    if (address + sizeof(dword) > bytes_.size()) return fmt::format("{:#x}", address);
    std::memcpy(&dword, bytes_.data() + address, sizeof(dword));
    return fmt::format("constant {:#010x}", dword);
  }

 private:
  static bool contains(std::uint64_t first, const Label& label, std::uint64_t at) {
    return label.is_loop && at >= first && at <= label.last_jump;
  }

  const std::vector<std::uint8_t>& bytes_;
  std::map<std::uint64_t, Label> labels_;
};

// Where the instruction jumps, or the constant that it reads.
std::optional<std::uint64_t> address_of(const ZydisDecodedInstruction& instruction,
                                        const ZydisDecodedOperand* operands, std::size_t at) {
  for (int i = 0; i < instruction.operand_count_visible; ++i) {
    const ZydisDecodedOperand& operand = operands[i];
    const bool relative = operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operand.imm.is_relative;
    const bool constant = operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.base == ZYDIS_REGISTER_RIP;
    ZyanU64 address = 0;
    if ((relative || constant) &&
        ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operand, at, &address)))
      return address;
  }
  return std::nullopt;
}

// Formats one instruction, names in the place of addresses.
class Formatter {
 public:
  explicit Formatter(const Structure& structure) : structure_(structure) {
    ZydisFormatterInit(&formatter_, ZYDIS_FORMATTER_STYLE_INTEL);
  }

  std::string line(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands,
                   std::size_t at) const {
    char buffer[256] = {};
    ZydisFormatterFormatInstruction(&formatter_, &instruction, operands, instruction.operand_count_visible,
                                    buffer, sizeof(buffer), at, nullptr);
    std::string text = buffer;
    const std::optional<std::uint64_t> address = address_of(instruction, operands, at);
    if (!address) return text;
    const std::string written = fmt::format("0x{:016X}", *address);
    const std::size_t place = text.find(written);
    if (place != std::string::npos) text.replace(place, written.size(), structure_.name_of(*address));
    return text;
  }

 private:
  ZydisFormatter formatter_;
  const Structure& structure_;
};

constexpr int kRoleColumn = 60;  // behind the offset

// What was decoded as the older instruction.
std::string renamed(std::string line) { return line.replace(0, line.find(' '), "tdpfp16ps"); }

std::string label_line(const Label& label, std::size_t depth) {
  if (!label.is_loop) return fmt::format("L{}:\n", label.number);
  return fmt::format("L{}:  ; loop, depth {}, {} instructions\n", label.number, depth, label.instructions);
}

}  // namespace

std::string disassemble(const CodeImage& image, Offsets offsets) {
  const Structure structure(image);
  const Formatter formatter(structure);
  RoleColumn column(image);
  std::string text;
  for_each_instruction(image, [&](std::size_t at, const ZydisDecodedInstruction& instruction,
                                  const ZydisDecodedOperand* operands) {
    const std::size_t depth = structure.depth(at);
    if (const Label* label = structure.label(at)) text += label_line(*label, depth);
    if (offsets == Offsets::shown) text += fmt::format("  {:04x}", at);
    std::string line = "  ";
    for (std::size_t loop = 0; loop < depth; ++loop) line += "| ";
    line += is_tdpfp16ps(image, at) ? renamed(formatter.line(instruction, operands, at))
                                    : formatter.line(instruction, operands, at);
    const std::string roles = column.of(instruction, operands, at);
    text += roles.empty() ? line + "\n" : fmt::format("{:{}}  ; {}\n", line, kRoleColumn, roles);
  });
  return text;
}

}  // namespace burin::jit
