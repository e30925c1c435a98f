// Instructions that many CPUs have: emulated in all forms and compared with the CPU's own results bit for
// bit. Where it lacks them, the emulator answers both times, and the hand-computed results remain.
#include <gtest/gtest.h>

#include "tests/emulation/cpu_reference.hpp"
#include "tests/emulation/instruction_run.hpp"
#include "tests/emulation/vector_forms.hpp"

namespace burin::emulation {
namespace {

using Code = Xbyak::CodeGenerator;
using namespace Xbyak::util;
using Xbyak::EvexEncoding;
using Xbyak::VexEncoding;

// Bytes and words of any kind, and the extremes that make sums overflow.
std::uint64_t any_dword(tests::RandomValues& random, int bytes) {
  constexpr std::uint64_t kExtremes[] = {0x7f7f7f7f, 0x80808080, 0xffffffff, 0x7fffffff,
                                         0x80000000, 0x7fff7fff, 0x80008000};
  const auto kind = static_cast<std::size_t>(random.below(14));
  return kind < 7 ? kExtremes[kind] : any_bits(random, bytes);
}

// Pairs of BF16, and singles, whose products and sums stay in range, leave it, or are denormal; NaNs and
// infinities.
std::uint64_t any_bf16_pair(tests::RandomValues& random, int bytes) {
  const std::uint64_t bits = any_bits(random, bytes);
  const auto with_exponents = [&](std::uint64_t first, std::int64_t count) {
    const auto exponent = [&] { return first + static_cast<std::uint64_t>(random.below(count)); };
    return (bits & 0x807f807fu) | exponent() << 7 | exponent() << 23;
  };
  switch (random.below(6)) {
    case 0: return bits;
    case 1: return with_exponents(0, 2);
    case 2: return with_exponents(58, 12);
    case 3: return with_exponents(254, 2);
    default: return with_exponents(117, 20);
  }
}

VectorInstruction dword_instruction(const char* name, decltype(VectorInstruction::emit) emit,
                                    decltype(VectorInstruction::fill) fill, bool vex = false) {
  return {.name = name,
          .emit = emit,
          .to_bytes = 4,
          .from_bytes = 4,
          .fill = fill,
          .compute = nullptr,
          .vex = vex};
}
VectorInstruction byte_instruction(const char* name, decltype(VectorInstruction::emit) emit, int from_bytes) {
  return {.name = name,
          .emit = emit,
          .to_bytes = from_bytes,
          .from_bytes = from_bytes,
          .fill = any_bits,
          .compute = nullptr,
          .broadcasts = from_bytes == 8};
}

const VectorInstruction kInstructions[] = {
    dword_instruction(
        "vpdpbusd", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpbusd(t, x, y, EvexEncoding); }, any_dword),
    dword_instruction(
        "vpdpbusds", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpbusds(t, x, y, EvexEncoding); },
        any_dword),
    dword_instruction(
        "vpdpwssd", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpwssd(t, x, y, EvexEncoding); }, any_dword),
    dword_instruction(
        "vpdpwssds", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpwssds(t, x, y, EvexEncoding); },
        any_dword),
    dword_instruction(
        "vpdpbusd", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpbusd(t, x, y, VexEncoding); }, any_dword,
        true),
    dword_instruction(
        "vpdpbusds", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpbusds(t, x, y, VexEncoding); }, any_dword,
        true),
    dword_instruction(
        "vpdpwssd", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpwssd(t, x, y, VexEncoding); }, any_dword,
        true),
    dword_instruction(
        "vpdpwssds", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpwssds(t, x, y, VexEncoding); }, any_dword,
        true),
    dword_instruction(
        "vpdpbssd", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpbssd(t, x, y); }, any_dword, true),
    dword_instruction(
        "vpdpbsuds", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpbsuds(t, x, y); }, any_dword, true),
    dword_instruction(
        "vpdpbuuds", [](Code& c, auto& t, auto& x, auto& y) { c.vpdpbuuds(t, x, y); }, any_dword, true),
    dword_instruction(
        "vdpbf16ps", [](Code& c, auto& t, auto& x, auto& y) { c.vdpbf16ps(t, x, y); }, any_bf16_pair),
    dword_instruction(
        "vcvtne2ps2bf16", [](Code& c, auto& t, auto& x, auto& y) { c.vcvtne2ps2bf16(t, x, y); },
        any_bf16_pair),
    {.name = "vcvtneps2bf16",
     .emit = [](Code& c, auto& t, auto&, auto& y) { c.vcvtneps2bf16(t, y, EvexEncoding); },
     .to_bytes = 2,
     .from_bytes = 4,
     .fill = any_bits,
     .compute = nullptr},
    byte_instruction(
        "vpermb", [](Code& c, auto& t, auto& x, auto& y) { c.vpermb(t, x, y); }, 1),
    byte_instruction(
        "vpermi2b", [](Code& c, auto& t, auto& x, auto& y) { c.vpermi2b(t, x, y); }, 1),
    byte_instruction(
        "vpermt2b", [](Code& c, auto& t, auto& x, auto& y) { c.vpermt2b(t, x, y); }, 1),
    byte_instruction(
        "vpmultishiftqb", [](Code& c, auto& t, auto& x, auto& y) { c.vpmultishiftqb(t, x, y); }, 8),
    byte_instruction(
        "vgf2p8mulb", [](Code& c, auto& t, auto& x, auto& y) { c.vgf2p8mulb(t, x, y); }, 1),
    byte_instruction(
        "vgf2p8affineqb", [](Code& c, auto& t, auto& x, auto& y) { c.vgf2p8affineqb(t, x, y, 0x63); }, 8),
    byte_instruction(
        "vgf2p8affineinvqb", [](Code& c, auto& t, auto& x, auto& y) { c.vgf2p8affineinvqb(t, x, y, 0x8e); },
        8),
};

TEST(NativeInstructions, AllFormsAsOnCpu) {
  for (const VectorInstruction& instruction : kInstructions)
    for (std::uint64_t seed = 400; seed < 410; ++seed) check_all_forms(instruction, seed);
}

std::uint32_t dword_result(const Emit& emit, std::uint32_t to, std::uint32_t a, std::uint32_t b) {
  Registers before;
  set_lane(before.vector[1], 0, to);
  set_lane(before.vector[2], 0, a);
  set_lane(before.vector[3], 0, b);
  return lane<std::uint32_t>(run(emit, before).vector[1], 0);
}

TEST(NativeInstructions, IntegerProductsByHand) {
  // 1 * 2 + 255 * -1 + 128 * -128 + 3 * 127 = -16256
  constexpr std::uint32_t kA = 0x0380ff01, kB = 0x7f80ff02;
  const auto bytes = [](Code& c) { c.vpdpbusd(xmm1, xmm2, xmm3, VexEncoding); };
  EXPECT_EQ(dword_result(bytes, 0, kA, kB), static_cast<std::uint32_t>(-16256));
  EXPECT_EQ(dword_result(bytes, 0x80000000, kA, kB), 0x80000000u - 16256);
  EXPECT_EQ(dword_result([](Code& c) { c.vpdpbusds(xmm1, xmm2, xmm3, EvexEncoding); }, 0x80000000, kA, kB),
            0x80000000u);
  // -1 * 2 + 3 * -4
  EXPECT_EQ(
      dword_result([](Code& c) { c.vpdpwssd(xmm1, xmm2, xmm3, EvexEncoding); }, 20, 0x0003ffff, 0xfffc0002),
      6u);
  // With both signed: 1 * 2 + -1 * -1 + -128 * -128 + 3 * 127; with both unsigned: 2 + 65025 + 16384 + 381.
  EXPECT_EQ(dword_result([](Code& c) { c.vpdpbssd(xmm1, xmm2, xmm3); }, 0, kA, kB), 16768u);
  EXPECT_EQ(dword_result([](Code& c) { c.vpdpbuud(xmm1, xmm2, xmm3); }, 0, kA, kB), 81792u);
  EXPECT_EQ(dword_result([](Code& c) { c.vpdpbuuds(xmm1, xmm2, xmm3); }, 0xffffff00, kA, kB), 0xffffffffu);
  EXPECT_EQ(dword_result([](Code& c) { c.vpdpbssds(xmm1, xmm2, xmm3); }, 0x7fffffff, kA, kB), 0x7fffffffu);
  // 1 * 2 + -1 * 255 + -128 * 128 + 3 * 127 = -16256
  EXPECT_EQ(dword_result([](Code& c) { c.vpdpbsud(xmm1, xmm2, xmm3); }, 0, kA, kB),
            static_cast<std::uint32_t>(-16256));
}

TEST(NativeInstructions, Bf16ByHand) {
  const auto product = [](Code& c) { c.vdpbf16ps(xmm1, xmm2, xmm3); };
  // 1 + 2 * 3 + 4 * 5
  EXPECT_EQ(dword_result(product, as_bits(1), 0x40804000, 0x40a04040), as_bits(27));
  // The upper pair first: -2^24 + 1 is exact, and 2^24 more give 1. The lower pair first, 1 is added to 0.
  EXPECT_EQ(dword_result(product, as_bits(-0x1p24f), 0x3f804b80, 0x3f803f80), as_bits(1));
  // 2^24 + 1 rounds to 2^24, then -2^24 gives 0: with the lower pair first it would be 1.
  EXPECT_EQ(dword_result(product, as_bits(0x1p24f), 0x3f80cb80, 0x3f803f80), as_bits(0));
  // Denormals: of the accumulator, of a factor, of the result.
  EXPECT_EQ(dword_result(product, 0x80000001, 0, 0x80008000), 0x80000000u);
  EXPECT_EQ(dword_result(product, 0, 0x00000040, 0x00007f00), 0u);
  EXPECT_EQ(dword_result(product, 0, 0x00001f80, 0x00001f80), 0u);
  // The first NaN of low a, low b, high a, high b, accumulator.
  EXPECT_EQ(dword_result(product, 0x7f800005, 0x7f823f80, 0x7f843f83), 0x7fc20000u);
  EXPECT_EQ(dword_result(product, 0x7f800005, 0x3f803f80, 0x3f803f80), 0x7fc00005u);
  const auto convert = [](Code& c) { c.vcvtneps2bf16(xmm1, xmm3, EvexEncoding); };
  EXPECT_EQ(dword_result(convert, 0, 0, 0x3f808000) & 0xffff, 0x3f80u);  // half-way, to even
  EXPECT_EQ(dword_result(convert, 0, 0, 0x3f818000) & 0xffff, 0x3f82u);
  EXPECT_EQ(dword_result(convert, 0, 0, 0x7f7fffff) & 0xffff, 0x7f80u);
  EXPECT_EQ(dword_result(convert, 0, 0, 0x807fffff) & 0xffff, 0x8000u);
  EXPECT_EQ(dword_result(convert, 0, 0, 0xff800001) & 0xffff, 0xffc0u);
}

TEST(NativeInstructions, BytesByHand) {
  // FIPS 197, section 4.2: {57} * {83} = {c1}, and {53} is the inverse of {ca}.
  EXPECT_EQ(dword_result([](Code& c) { c.vgf2p8mulb(xmm1, xmm2, xmm3); }, 0, 0x00000057, 0x00000083), 0xc1u);
  EXPECT_EQ(dword_result([](Code& c) { c.vgf2p8mulb(xmm1, xmm2, xmm3); }, 0, 0x00000053, 0x000000ca), 0x01u);
  // Byte 1 of the table, byte 3, byte 0, byte 2.
  EXPECT_EQ(dword_result([](Code& c) { c.vpermb(xmm1, xmm2, xmm3); }, 0, 0x02000301, 0x44332211),
            0x33114422u);
  // Eight bits from bit 4, from 0, from 60 (round the end), from 8.
  EXPECT_EQ(dword_result([](Code& c) { c.vpmultishiftqb(xmm1, xmm2, xmm3); }, 0, 0x083c0004, 0x0000abcd),
            0xabd0cdbcu);
}

}  // namespace
}  // namespace burin::emulation
