// Machine code as text.
#include "jit/disassembler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "jit/assembler.hpp"
#include "jit/error.hpp"
#include "templates/gemm/gemm_spec.hpp"

namespace burin::jit {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Disassembler, OneLinePerInstruction) {
  Assembler a(parse_target("avx2"));
  a.mov(a.eax, 7);
  a.vpaddd(a.ymm1, a.ymm2, a.ptr[a.rsi + 64]);
  a.ret();
  EXPECT_EQ(disassemble(a.finish("three")),
            "  0000  mov eax, 0x07\n"
            "  0005  vpaddd ymm1, ymm2, [rsi+0x40]\n"
            "  000a  ret\n");
}

TEST(Disassembler, LoopsAreMarked) {
  Assembler a(parse_target("avx2"));
  Xbyak::Label outer;
  Xbyak::Label inner;
  Xbyak::Label done;
  a.L(outer);
  a.dec(a.rcx);
  a.jz(done, Xbyak::CodeGenerator::T_NEAR);
  a.L(inner);
  a.dec(a.rdx);
  a.jnz(inner);
  a.jmp(outer);
  a.L(done);
  a.ret();
  const CodeImage image = a.finish("loops");
  EXPECT_EQ(disassemble(image),
            "L1:  ; loop, depth 1, 5 instructions\n"
            "  0000  | dec rcx\n"
            "  0003  | jz L3\n"
            "L2:  ; loop, depth 2, 2 instructions\n"
            "  0009  | | dec rdx\n"
            "  000c  | | jnz L2\n"
            "  000e  | jmp L1\n"
            "L3:\n"
            "  0010  ret\n");
  EXPECT_THAT(disassemble(image, Offsets::left_out), HasSubstr("depth 2, 2 instructions\n  | | dec rdx\n"));
}

TEST(Disassembler, RolesFollowInstructions) {
  Assembler a(parse_target("avx512,avx2").with_roles());
  const Xbyak::Reg64 weights = a.name(a.rsi, "weights");
  a.vmovups(a.vector(1, {"sum", 2, 1}), a.ptr[weights + a.rcx * 8 + 64]);
  a.vaddps(a.zmm2, a.vector(1, {"sum", 0}), a.vector_constant(1));
  {
    const RoleScope scope(a);
    a.add(a.name(a.rsi, "lent").cvt32(), 1);
  }
  a.add(weights, a.rax);
  a.vmovups(a.ptr[a.rax] | a.name(a.k1, "mask"), a.zmm1);
  a.mov(a.rax, a.rcx);
  EXPECT_EQ(disassemble(a.finish("roles"), Offsets::left_out),
            "  vmovups zmm1, zmmword ptr [rsi+rcx*8+0x40]                  ; sum[2,1], [weights+rcx]\n"
            "  vaddps zmm2, zmm1, [constant 0x00000001]                    ; zmm2, sum[0]\n"
            "  add esi, 0x01                                               ; lent\n"
            "  add rsi, rax                                                ; weights, rax\n"
            "  vmovups zmmword ptr [rax] {k1}, zmm1                        ; [rax], mask, sum[0]\n"
            "  mov rax, rcx\n");
}

TEST(Disassembler, KnowsTileProductsOfF16) {
  Assembler a(parse_target("graniterapids").with_roles());
  a.tdpfp16ps(a.name(Xbyak::Tmm(1), {"sum", 1}), Xbyak::Tmm(2), Xbyak::Tmm(3));
  a.tdpbf16ps(Xbyak::Tmm(1), Xbyak::Tmm(2), Xbyak::Tmm(3));
  EXPECT_EQ(disassemble(a.finish("tiles"), Offsets::left_out),
            "  tdpfp16ps tmm1, tmm2, tmm3                                  ; sum[1], tmm2, tmm3\n"
            "  tdpbf16ps tmm1, tmm2, tmm3                                  ; sum[1], tmm2, tmm3\n");
}

TEST(Disassembler, WithoutRolesNothingFollows) {
  Assembler a(parse_target("avx2"));
  a.vmovups(a.vector(1, "sum"), a.ptr[a.name(a.rsi, "weights")]);
  const CodeImage image = a.finish("plain");
  EXPECT_TRUE(image.roles.empty());
  EXPECT_EQ(disassemble(image), "  0000  vmovups ymm1, [rsi]\n");
}

TEST(Disassembler, ConstantsAreLeftOut) {
  Assembler a(parse_target("avx2"));
  a.vmovups(a.ymm0, a.vector_constant(0x06060606));  // 06 is no instruction in 64-bit code
  a.ret();
  const CodeImage image = a.finish("constant");
  ASSERT_GT(image.bytes.size(), image.code_size);
  const std::string text = disassemble(image);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_THAT(text, HasSubstr("vmovups ymm0, [constant 0x06060606]\n"));

  CodeImage with_constants = image;
  with_constants.code_size = static_cast<std::uint32_t>(image.bytes.size());
  EXPECT_THROW(disassemble(with_constants), Error);
}

TEST(Disassembler, WhatIsNoCodeIsNamed) {
  CodeImage image;
  image.name = "broken";
  image.bytes = {0x90, 0x06};
  image.code_size = 2;
  try {
    disassemble(image);
    FAIL() << "disassembled";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "kernel broken: no instruction at offset 0x1");
  }
  image.bytes = {0x90, 0xb8, 0x01};  // cut off within mov eax, imm32
  image.code_size = 3;
  EXPECT_THROW(disassemble(image), Error);
  image.code_size = 0;
  EXPECT_EQ(disassemble(image), "");
}

// "  001a  | vpaddd ...", or "L3:" and what it says of a loop
bool is_line(std::string_view line) {
  const bool label = line.starts_with('L');
  const std::string_view digits = line.substr(label ? 1 : 2);
  const std::size_t count = std::min(digits.find_first_not_of("0123456789abcdef"), digits.size());
  std::string_view rest = digits.substr(count);
  if (label) return count >= 1 && (rest == ":" || rest.starts_with(":  ; loop, depth "));
  if (!line.starts_with("  ") || count < 4 || !rest.starts_with("  ")) return false;
  for (rest.remove_prefix(2); rest.starts_with("| ");) rest.remove_prefix(2);
  return !rest.empty() && rest[0] >= 'a' && rest[0] <= 'z';
}

// Kernels of all targets, also those that this host cannot run, read back from end to end.
TEST(Disassembler, ReadsWholeKernels) {
  kernels::GemmSpec spec;
  spec.inputs = 64;
  spec.weights = kernels::WeightFormat::integer_format(5, false, 32, kernels::ScaleType::f16);
  spec.activation = kernels::Activation::s8;
  spec.regime = kernels::GemmRegime::tiles;
  for (const NamedTarget& known : known_targets()) {
    const CodeImage image = emit_gemm(spec, parse_target(known.name));
    const std::string text = disassemble(image);
    EXPECT_THAT(text, HasSubstr("ret\n")) << known.name;
    const bool wide = parse_target(known.name).has(Feature::avx512);
    EXPECT_THAT(text, wide ? testing::Matcher<std::string>(HasSubstr("zmm31")) : Not(HasSubstr("zmm")))
        << known.name;
    std::istringstream lines(text);
    for (std::string one; std::getline(lines, one);) ASSERT_TRUE(is_line(one)) << one;
  }
}

}  // namespace
}  // namespace burin::jit
