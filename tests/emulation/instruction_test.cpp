// Decoding at the ends of pages, and names.
#include "tests/emulation/instruction.hpp"

#include <gtest/gtest.h>
#include <xbyak/xbyak.h>

#include <cstring>
#include <string>

#include "tests/emulation/tile_config.hpp"
#include "tests/support/guarded_buffer.hpp"

namespace burin::emulation {
namespace {

using namespace Xbyak::util;

// vaddph zmm1 {k3}, zmm2, word ptr [rcx + 10] {1to32}: 7 bytes.
class Encoded : public Xbyak::CodeGenerator {
 public:
  Encoded() { vaddph(zmm1 | k3, zmm2, ptr_b[rcx + 10]); }
};

void expect_decoded(const void* at) {
  Instruction instruction;
  decode(reinterpret_cast<std::uint64_t>(at), instruction);
  EXPECT_STREQ(instruction.name, "vaddph");
  EXPECT_EQ(instruction.decoded.length, 7);
  EXPECT_EQ(instruction.operands, 3);
  EXPECT_EQ(instruction.operand[2]->mem.disp.value, 10);
}

TEST(Instruction, ReadsNoPageThatItDoesNotReachInto) {
  const Encoded code;
  const tests::GuardedBuffer memory(code.getSize(), 1);
  std::memcpy(memory.as(), code.getCode(), code.getSize());
  expect_decoded(memory.as());
}

TEST(Instruction, CrossesPages) {
  const Encoded code;
  const tests::GuardedBuffer memory(2 * 4096, 4096);
  for (std::size_t before = 1; before < code.getSize(); ++before) {
    std::byte* at = memory.as() + 4096 - before;
    std::memcpy(at, code.getCode(), code.getSize());
    expect_decoded(at);
  }
}

TEST(Instruction, YoungerThanTheDecoder) {
  struct Younger : Xbyak::CodeGenerator {
    Younger() {
      tdpfp16ps(emulation::tmm1, emulation::tmm2, emulation::tmm3);
      vpdpbssds(ymm1, ymm2, ptr[rcx + 8]);
    }
  } const code;
  Instruction first, second;
  decode(reinterpret_cast<std::uint64_t>(code.getCode()), first);
  decode(reinterpret_cast<std::uint64_t>(code.getCode()) + first.decoded.length, second);
  EXPECT_STREQ(first.name, "tdpfp16ps");
  EXPECT_EQ(first.operands, 3);
  EXPECT_STREQ(second.name, "vpdpbssds");
  EXPECT_EQ(first.decoded.length + second.decoded.length, code.getSize());
}

TEST(Instruction, NamesAndIndicesAgree) {
  for (const char* name : {"vaddph", "tdpbssd", "tdpfp16ps", "vpdpbsud", "vmovsh"})
    EXPECT_STREQ(name_at(name_index(name)), name);
  EXPECT_EQ(name_index("no such instruction"), 0u);
}

}  // namespace
}  // namespace burin::emulation
