// The conversions of AVX512-FP16 in all forms; the numbers themselves are for conversion_test.
#include <gtest/gtest.h>

#include "tests/emulation/conversion.hpp"
#include "tests/emulation/instruction_run.hpp"
#include "tests/emulation/vector_forms.hpp"

namespace burin::emulation {
namespace {

using enum NumberType;
using Code = Xbyak::CodeGenerator;
using Xbyak::util::eax;
using Xbyak::util::ptr;
using Xbyak::util::rax;
using Xbyak::util::rcx;
using Xbyak::util::xmm1;
using Xbyak::util::xmm2;
using Xbyak::util::xmm3;
using Xbyak::util::zmm1;
using Xbyak::util::zmm3;

template <NumberType kFrom, NumberType kTo, bool kTruncates = false>
std::uint64_t converted(const LaneInput& lane) {
  return convert(lane.b, kFrom, kTo, kTruncates ? Rounding::toward_zero : lane.rounding);
}

const VectorInstruction kInstructions[] = {
    {"vcvtps2phx", [](Code& c, auto& to, auto&, auto& from) { c.vcvtps2phx(to, from); }, 2, 4, any_float,
     converted<fp32, fp16>, Embedded::rounding},
    {"vcvtph2psx", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2psx(to, from); }, 4, 2, any_float,
     converted<fp16, fp32>, Embedded::exceptions_off},
    {"vcvtpd2ph", [](Code& c, auto& to, auto&, auto& from) { c.vcvtpd2ph(to, from); }, 2, 8, any_float,
     converted<fp64, fp16>, Embedded::rounding},
    {"vcvtph2pd", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2pd(to, from); }, 8, 2, any_float,
     converted<fp16, fp64>, Embedded::exceptions_off},
    {"vcvtw2ph", [](Code& c, auto& to, auto&, auto& from) { c.vcvtw2ph(to, from); }, 2, 2, any_integer,
     converted<s16, fp16>, Embedded::rounding},
    {"vcvtuw2ph", [](Code& c, auto& to, auto&, auto& from) { c.vcvtuw2ph(to, from); }, 2, 2, any_integer,
     converted<u16, fp16>, Embedded::rounding},
    {"vcvtdq2ph", [](Code& c, auto& to, auto&, auto& from) { c.vcvtdq2ph(to, from); }, 2, 4, any_integer,
     converted<s32, fp16>, Embedded::rounding},
    {"vcvtudq2ph", [](Code& c, auto& to, auto&, auto& from) { c.vcvtudq2ph(to, from); }, 2, 4, any_integer,
     converted<u32, fp16>, Embedded::rounding},
    {"vcvtqq2ph", [](Code& c, auto& to, auto&, auto& from) { c.vcvtqq2ph(to, from); }, 2, 8, any_integer,
     converted<s64, fp16>, Embedded::rounding},
    {"vcvtuqq2ph", [](Code& c, auto& to, auto&, auto& from) { c.vcvtuqq2ph(to, from); }, 2, 8, any_integer,
     converted<u64, fp16>, Embedded::rounding},
    {"vcvtph2w", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2w(to, from); }, 2, 2, any_float,
     converted<fp16, s16>, Embedded::rounding},
    {"vcvtph2uw", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2uw(to, from); }, 2, 2, any_float,
     converted<fp16, u16>, Embedded::rounding},
    {"vcvtph2dq", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2dq(to, from); }, 4, 2, any_float,
     converted<fp16, s32>, Embedded::rounding},
    {"vcvtph2udq", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2udq(to, from); }, 4, 2, any_float,
     converted<fp16, u32>, Embedded::rounding},
    {"vcvtph2qq", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2qq(to, from); }, 8, 2, any_float,
     converted<fp16, s64>, Embedded::rounding},
    {"vcvtph2uqq", [](Code& c, auto& to, auto&, auto& from) { c.vcvtph2uqq(to, from); }, 8, 2, any_float,
     converted<fp16, u64>, Embedded::rounding},
    {"vcvttph2w", [](Code& c, auto& to, auto&, auto& from) { c.vcvttph2w(to, from); }, 2, 2, any_float,
     converted<fp16, s16, true>, Embedded::exceptions_off},
    {"vcvttph2uw", [](Code& c, auto& to, auto&, auto& from) { c.vcvttph2uw(to, from); }, 2, 2, any_float,
     converted<fp16, u16, true>, Embedded::exceptions_off},
    {"vcvttph2dq", [](Code& c, auto& to, auto&, auto& from) { c.vcvttph2dq(to, from); }, 4, 2, any_float,
     converted<fp16, s32, true>, Embedded::exceptions_off},
    {"vcvttph2udq", [](Code& c, auto& to, auto&, auto& from) { c.vcvttph2udq(to, from); }, 4, 2, any_float,
     converted<fp16, u32, true>, Embedded::exceptions_off},
    {"vcvttph2qq", [](Code& c, auto& to, auto&, auto& from) { c.vcvttph2qq(to, from); }, 8, 2, any_float,
     converted<fp16, s64, true>, Embedded::exceptions_off},
    {"vcvttph2uqq", [](Code& c, auto& to, auto&, auto& from) { c.vcvttph2uqq(to, from); }, 8, 2, any_float,
     converted<fp16, u64, true>, Embedded::exceptions_off},
    {"vcvtss2sh", [](Code& c, auto& to, auto& x, auto& from) { c.vcvtss2sh(to, x, from); }, 2, 4, any_float,
     converted<fp32, fp16>, Embedded::rounding, true},
    {"vcvtsh2ss", [](Code& c, auto& to, auto& x, auto& from) { c.vcvtsh2ss(to, x, from); }, 4, 2, any_float,
     converted<fp16, fp32>, Embedded::exceptions_off, true},
    {"vcvtsd2sh", [](Code& c, auto& to, auto& x, auto& from) { c.vcvtsd2sh(to, x, from); }, 2, 8, any_float,
     converted<fp64, fp16>, Embedded::rounding, true},
    {"vcvtsh2sd", [](Code& c, auto& to, auto& x, auto& from) { c.vcvtsh2sd(to, x, from); }, 8, 2, any_float,
     converted<fp16, fp64>, Embedded::exceptions_off, true},
};

TEST(Fp16Conversion, AllForms) {
  std::uint64_t seed = 300;
  for (const VectorInstruction& instruction : kInstructions) check_all_forms(instruction, ++seed);
}

TEST(Fp16Conversion, FromGeneralRegisters) {
  Registers before;
  before.general[kRax] = 0x00000001fffffffdu;  // 32 bits: -3, unsigned 2^32 - 3
  std::int64_t memory = -2048;
  before.general[kRcx] = reinterpret_cast<std::uint64_t>(&memory);
  set_lane<std::uint64_t>(before.vector[2], 0, 0x1111222233334444u);
  set_lane<std::uint64_t>(before.vector[2], 1, 0x5555666677778888u);
  const auto result = [&](const Emit& emit) {
    const VectorBytes to = run(emit, before).vector[1];
    EXPECT_EQ(lane<std::uint64_t>(to, 0) >> 16, 0x111122223333u);
    EXPECT_EQ(lane<std::uint64_t>(to, 1), 0x5555666677778888u);
    EXPECT_EQ(lane<std::uint64_t>(to, 2), 0u);
    return lane<std::uint16_t>(to, 0);
  };
  EXPECT_EQ(result([](Code& c) { c.vcvtsi2sh(xmm1, xmm2, eax); }), 0xc200);
  EXPECT_EQ(result([](Code& c) { c.vcvtsi2sh(xmm1, xmm2, rax); }), 0x7c00);
  EXPECT_EQ(result([](Code& c) { c.vcvtusi2sh(xmm1, xmm2, eax); }), 0x7c00);
  EXPECT_EQ(result([](Code& c) { c.vcvtusi2sh(xmm1 | Xbyak::util::T_rz_sae, xmm2, rax); }), 0x7bff);
  EXPECT_EQ(result([](Code& c) { c.vcvtsi2sh(xmm1, xmm2, Xbyak::util::dword[rcx]); }), 0xe800);
  EXPECT_EQ(result([](Code& c) { c.vcvtsi2sh(xmm1, xmm2, Xbyak::util::qword[rcx]); }), 0xe800);
  EXPECT_EQ(result([](Code& c) { c.vcvtusi2sh(xmm1, xmm2, Xbyak::util::qword[rcx]); }), 0x7c00);
}

TEST(Fp16Conversion, ToGeneralRegisters) {
  Registers before;
  before.general[kRax] = ~std::uint64_t{0};
  set_lane<std::uint16_t>(before.vector[3], 0, 0xc100);  // -2.5
  const std::uint16_t memory = 0x4300;                   // 3.5
  before.general[kRcx] = reinterpret_cast<std::uint64_t>(&memory);
  const auto result = [&](const Emit& emit) { return run(emit, before).general[kRax]; };
  EXPECT_EQ(result([](Code& c) { c.vcvtsh2si(eax, xmm3); }), 0xfffffffeu);
  EXPECT_EQ(result([](Code& c) { c.vcvtsh2si(rax, xmm3); }), 0xfffffffffffffffeu);
  EXPECT_EQ(result([](Code& c) { c.vcvtsh2si(eax, xmm3 | Xbyak::util::T_rd_sae); }), 0xfffffffdu);
  EXPECT_EQ(result([](Code& c) { c.vcvttsh2si(eax, ptr[rcx]); }), 3u);
  EXPECT_EQ(result([](Code& c) { c.vcvtsh2usi(eax, ptr[rcx]); }), 4u);
  EXPECT_EQ(result([](Code& c) { c.vcvtsh2usi(rax, xmm3); }), ~std::uint64_t{0});
  EXPECT_EQ(result([](Code& c) { c.vcvttsh2usi(eax, xmm3); }), 0xffffffffu);
}

// DAZ is for the single-precision operand; FTZ is for neither (SDM volume 2, VCVTPS2PHX).
TEST(Fp16Conversion, MxcsrAndDenormals) {
  Registers before;
  before.mxcsr = 0x1f80 | 0x8000 | 0x40 | 0x4000;  // FTZ, DAZ, round up
  set_lane<std::uint32_t>(before.vector[3], 0, 0x00000001);
  set_lane<std::uint32_t>(before.vector[3], 1, 0x00800000);  // the smallest normal number
  set_lane<std::uint32_t>(before.vector[3], 2, 0x80000001);
  const auto narrow = [](Code& c) { c.vcvtps2phx(xmm1, xmm3); };
  VectorBytes halves = run(narrow, before).vector[1];
  EXPECT_EQ(lane<std::uint16_t>(halves, 0), 0);
  EXPECT_EQ(lane<std::uint16_t>(halves, 1), 1);
  EXPECT_EQ(lane<std::uint16_t>(halves, 2), 0x8000);
  before.mxcsr &= ~std::uint64_t{0x40};
  EXPECT_EQ(lane<std::uint16_t>(run(narrow, before).vector[1], 0), 1);
  before.mxcsr |= 0x40;
  set_lane<std::uint16_t>(before.vector[3], 0, 0x0001);
  const auto widen = [](Code& c) { c.vcvtph2psx(xmm1, xmm3); };
  EXPECT_EQ(lane<std::uint32_t>(run(widen, before).vector[1], 0), 0x33800000u);
  const auto add = [](Code& c) { c.vaddph(zmm1, zmm3, zmm3); };
  EXPECT_EQ(lane<std::uint16_t>(run(add, before).vector[1], 0), 2);
}

}  // namespace
}  // namespace burin::emulation
