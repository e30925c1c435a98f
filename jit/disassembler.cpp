#include "jit/disassembler.hpp"

#include <Zydis/Zydis.h>

#include <set>

#include "jit/error.hpp"

namespace burin::jit {
namespace {

// Calls visit(offset, instruction, operands) for every instruction.
template <typename Visit>
void for_each_instruction(const CodeImage& image, Visit visit) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  for (std::size_t at = 0; at < image.code_size;) {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, image.bytes.data() + at, image.code_size - at,
                                             &instruction, operands)))
      fail("kernel {}: no instruction at offset {:#x}", image.name, at);
    visit(at, instruction, operands);
    at += instruction.length;
  }
}

std::set<std::uint64_t> jump_targets(const CodeImage& image) {
  std::set<std::uint64_t> targets;
  for_each_instruction(image, [&](std::size_t at, const ZydisDecodedInstruction& instruction,
                                  const ZydisDecodedOperand* operands) {
    const bool jump = instruction.meta.category == ZYDIS_CATEGORY_COND_BR ||
                      instruction.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
    ZyanU64 target = 0;
    if (jump && ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operands[0], at, &target)))
      targets.insert(target);
  });
  return targets;
}

}  // namespace

std::string disassemble(const CodeImage& image) {
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  const std::set<std::uint64_t> targets = jump_targets(image);
  std::string text;
  for_each_instruction(image, [&](std::size_t at, const ZydisDecodedInstruction& instruction,
                                  const ZydisDecodedOperand* operands) {
    char line[256] = {};
    ZydisFormatterFormatInstruction(&formatter, &instruction, operands, instruction.operand_count_visible,
                                    line, sizeof(line), at, nullptr);
    if (targets.contains(at)) text += fmt::format("L{:04x}:\n", at);
    text += fmt::format("  {:04x}  {}\n", at, line);
  });
  return text;
}

}  // namespace burin::jit
