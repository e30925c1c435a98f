// What the assembler adds to Xbyak: registers by number, shared constants, the frame, the finished image.
#include "jit/assembler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "jit/error.hpp"
#include "jit/executable_memory.hpp"
#include "tests/jit/isa_run.hpp"
#include "tests/support/error_text.hpp"

namespace burin::jit {
namespace {

TEST(Assembler, RegistersAreAsWideAsTheTarget) {
  const Assembler narrow(parse_target("avx2"));
  EXPECT_TRUE(narrow.vector(15, "any").isYMM());
  EXPECT_EQ(narrow.lanes(), 8);
  EXPECT_THROW(narrow.vector(16, "any"), Error);
  EXPECT_THROW(narrow.vector(-1, "any"), Error);
  const Assembler wide(parse_target("avx512"));
  EXPECT_TRUE(wide.vector(31, "any").isZMM());
  EXPECT_EQ(wide.lanes(), 16);
  EXPECT_THROW(wide.vector(32, "any"), Error);
}

TEST(Assembler, TargetsWithoutAvx2AreRefused) { EXPECT_THROW(Assembler({"nothing", FeatureSet()}), Error); }

TEST(Assembler, WhatFitsNoRegisterIsNamed) {
  const Assembler narrow(parse_target("haswell"));
  const Assembler wide(parse_target("znver5"));
  EXPECT_NO_THROW(wide.vector(16, {"sum", 2, 1}));
  EXPECT_EQ(tests::error_of([&] {
              narrow.vector(16, {"sum", 2, 1});
            }),
            "kernel: sum[2,1] fits no register: it would be vector register 16 where 'haswell' has 16");
}

TEST(Assembler, ZeroClearsTheWholeRegister) {
  for (const IsaSetting& s : isa_settings()) {
    const Words ones(static_cast<std::size_t>(s.lanes), 0xffffffff);
    const Four after = run_isa(s, {ones, ones, ones, ones}, [](Assembler& a, const auto& v) {
      a.zero(v[0]);
      a.zero(v[3]);
    });
    const Words zeros(static_cast<std::size_t>(s.lanes), 0);
    EXPECT_EQ(after, (Four{zeros, ones, ones, zeros})) << s.text();
  }
}

TEST(Assembler, ConstantsOfEveryShape) {
  for (const IsaSetting& s : isa_settings()) {
    std::vector<std::int32_t> counting;
    for (int lane = 0; lane < s.lanes; ++lane) counting.push_back(-lane);
    const Four after = run_isa(s, {}, [&](Assembler& a, const auto& v) {
      a.broadcast_float(v[0], 1.25f);
      a.vmovups(v[1], a.vector_constant(0x12345678));
      a.vmovups(v[2], a.int32_vector_constant(counting));
      a.vpbroadcastd(v[3], a.int32_constant(-7));
    });
    const auto lanes = static_cast<std::size_t>(s.lanes);
    EXPECT_EQ(after[0], words_of(std::vector<float>(lanes, 1.25f))) << s.text();
    EXPECT_EQ(after[1], Words(lanes, 0x12345678)) << s.text();
    EXPECT_EQ(after[2], Words(counting.begin(), counting.end())) << s.text();
    EXPECT_EQ(after[3], Words(lanes, static_cast<std::uint32_t>(-7))) << s.text();
  }
}

TEST(Assembler, EqualConstantsShareOnePlace) {
  Assembler a(parse_target("avx512"));
  for (const std::uint32_t constant : {0xababababu, 0x5e5e5e5eu, 0xababababu, 0xababababu})
    a.vmovups(a.vector(0, "any"), a.vector_constant(constant));
  const CodeImage image = a.finish("constants");
  EXPECT_EQ(std::count(image.bytes.begin(), image.bytes.end(), 0xab), 64);
  EXPECT_EQ(std::count(image.bytes.begin(), image.bytes.end(), 0x5e), 64);
}

// Locals begin at rsp, at a multiple of 64, and are the kernel's own: filled here, and the call returns.
TEST(Assembler, FramesHoldAlignedLocals) {
  for (const int locals : {0, 1, 64, 1000}) {
    Assembler a(parse_target("avx2"));
    a.begin_frame(locals);
    a.mov(a.ptr[a.rdi], a.rsp);
    for (int at = 0; at + 8 <= locals; at += 8) a.mov(a.qword[a.rsp + offset(at)], 0x55);
    for (const Xbyak::Reg64& saved : {a.rbx, a.r12, a.r13, a.r14, a.r15}) a.xor_(saved, saved);
    a.end_frame();
    std::uint64_t stack = 1;
    tests::run_kernel(a.finish("frame"), stack);
    EXPECT_EQ(stack % 64, 0u) << locals;
  }
}

TEST(Assembler, ImagesSayWhatTheyAre) {
  const Target target = parse_target("avx512vnni");
  Assembler a(target);
  a.broadcast_float(a.vector(0, "any"), 1.5f);
  a.ret();
  const CodeImage image = a.finish("some kernel");
  EXPECT_EQ(image.name, "some kernel");
  EXPECT_EQ(image.features, target.features);
  EXPECT_EQ(image.bytes[image.code_size - 1], 0xc3);
  float constant = 0;
  std::memcpy(&constant, &image.bytes[image.bytes.size() - 4], sizeof(constant));
  EXPECT_EQ(constant, 1.5f);
}

TEST(Assembler, UndefinedLabelsAreErrors) {
  Assembler a(parse_target("avx2"));
  const Xbyak::Label nowhere;
  a.jmp(nowhere, Xbyak::CodeGenerator::T_NEAR);
  try {
    a.finish("lost");
    FAIL() << "finished";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("lost: undefined label"));
  }
}

}  // namespace
}  // namespace burin::jit
