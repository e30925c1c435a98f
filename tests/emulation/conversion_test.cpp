// Conversions against hand-computed results and against the CPU's.
#include "tests/emulation/conversion.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "jit/target.hpp"
#include "tests/emulation/cpu_reference.hpp"

namespace burin::emulation {
namespace {

using enum NumberType;
constexpr Rounding kNearest = Rounding::nearest_even;

std::uint64_t bits_of(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
double double_of(std::uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
float narrow_double(double value) {
  float single;
  __asm__ volatile("vcvtsd2ss %1, %0, %0" : "=x"(single) : "x"(value));
  return single;
}

TEST(Conversion, HalvesToFloatsAsOnCpu) {
  for (unsigned h = 0; h < 0x10000; ++h) {
    const float single = cpu_widen(static_cast<Half>(h));
    ASSERT_EQ(convert(h, fp16, fp32, kNearest), as_bits(single)) << std::hex << h;
    ASSERT_EQ(convert(h, fp16, fp64, kNearest), bits_of(static_cast<double>(single))) << std::hex << h;
    ASSERT_EQ(convert(as_bits(single), fp32, fp16, kNearest), is_nan(static_cast<Half>(h)) ? (h | 0x200) : h);
  }
}

void compare_single(std::uint32_t bits) {
  for (const Rounding rounding : kRoundings) {
    const CpuRounding as_told(rounding);
    ASSERT_EQ(convert(bits, fp32, fp16, rounding), cpu_narrow(as_float(bits)))
        << std::hex << bits << " rounding " << static_cast<int>(rounding);
  }
}
TEST(Conversion, SinglesToHalvesAsOnCpu) {
  tests::RandomValues random(21);
  for (int i = 0; i < 100000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random.bits());
    compare_single(bits);
    // The same with an exponent from below the smallest FP16 to above the largest.
    compare_single((bits & 0x807fffffu) | static_cast<std::uint32_t>(100 + random.below(46)) << 23);
  }
  // Half-way between two neighbours, and next to it.
  for (unsigned h = 0; h < 0x7c00; ++h) {
    const float middle = (cpu_widen(static_cast<Half>(h)) + cpu_widen(static_cast<Half>(h + 1))) / 2;
    const std::uint32_t bits = h + 1 < 0x7c00 ? as_bits(middle) : as_bits(65520.0f);
    for (const std::uint32_t near : {bits - 1, bits, bits + 1}) compare_single(near);
  }
}

TEST(Conversion, DoublesToHalvesAsOnCpu) {
  tests::RandomValues random(22);
  for (int i = 0; i < 100000; ++i) {
    std::uint64_t bits = random.bits();
    if (i % 2 == 0) {
      const auto exponent = static_cast<std::uint64_t>(1023 - 27 + random.below(46));
      bits = (bits & 0x800fffffffffffffu) | exponent << 52;
    }
    // All bits below those of FP16 and half its last place are zero, or all but the last.
    if (i % 3 == 0) bits &= ~((std::uint64_t{1} << 41) - 1);
    if (i % 6 == 0) bits |= 1;
    for (const Rounding rounding : kRoundings)
      ASSERT_EQ(convert(bits, fp64, fp16, rounding),
                on_cpu(rounding, [&] { return narrow_double(double_of(bits)); }))
          << std::hex << bits << " rounding " << static_cast<int>(rounding);
  }
}

TEST(Conversion, HalvesToIntegersAsOnCpu) {
  const bool has_unsigned = jit::host_target().has(jit::Feature::avx512);
  for (const Rounding rounding : kRoundings) {
    const CpuRounding as_told(rounding);
    for (unsigned h = 0; h < 0x10000; ++h) {
      const float single = cpu_widen(static_cast<Half>(h));
      const auto as_signed = static_cast<std::uint32_t>(_mm_cvtss_si32(_mm_set_ss(single)));
      ASSERT_EQ(convert(h, fp16, s32, rounding), as_signed) << std::hex << h;
      ASSERT_EQ(convert(h, fp16, s64, rounding),
                static_cast<std::uint64_t>(_mm_cvtss_si64(_mm_set_ss(single))));
      const auto wide = static_cast<std::int32_t>(as_signed);
      const bool is_word = wide >= -0x8000 && wide < 0x8000;
      ASSERT_EQ(convert(h, fp16, s16, rounding), is_word ? as_signed & 0xffff : 0x8000u) << std::hex << h;
      ASSERT_EQ(convert(h, fp16, u16, rounding), wide >= 0 && wide < 0x10000 ? as_signed : 0xffffu)
          << std::hex << h;
      if (!has_unsigned) continue;
      std::uint32_t u32_on_cpu;
      std::uint64_t u64_on_cpu;
      __asm__ volatile("vcvtss2usi %1, %0" : "=r"(u32_on_cpu) : "x"(single));
      __asm__ volatile("vcvtss2usi %1, %0" : "=r"(u64_on_cpu) : "x"(single));
      ASSERT_EQ(convert(h, fp16, u32, rounding), u32_on_cpu) << std::hex << h;
      ASSERT_EQ(convert(h, fp16, u64, rounding), u64_on_cpu) << std::hex << h;
    }
  }
}

float single_of(std::int64_t value) {
  float single = 0;
  __asm__ volatile("vcvtsi2ss %1, %0, %0" : "+x"(single) : "r"(value));
  return single;
}

TEST(Conversion, IntegersToHalvesAsOnCpu) {
  tests::RandomValues random(23);
  for (int i = 0; i < 200000; ++i) {
    // Any number of bits.
    const auto value = static_cast<std::int64_t>(random.bits()) >> (i % 64);
    const auto bits = static_cast<std::uint64_t>(value);
    const auto expect = [&](NumberType from, std::int64_t number) {
      for (const Rounding rounding : kRoundings)
        ASSERT_EQ(convert(static_cast<std::uint64_t>(number), from, fp16, rounding),
                  on_cpu(rounding, [&] { return single_of(number); }))
            << number << " rounding " << static_cast<int>(rounding);
    };
    expect(s64, value);
    if (value >= 0) expect(u64, value);
    ASSERT_EQ(convert(bits & 0xffffffff, s32, fp16, kNearest),
              convert(static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(bits)}), s64, fp16,
                      kNearest));
    expect(u32, static_cast<std::int64_t>(bits & 0xffffffff));
    ASSERT_EQ(convert(bits & 0xffff, s16, fp16, kNearest),
              convert(static_cast<std::uint64_t>(std::int64_t{static_cast<std::int16_t>(bits)}), s64, fp16,
                      kNearest));
    expect(u16, static_cast<std::int64_t>(bits & 0xffff));
  }
}

TEST(Conversion, ByHand) {
  EXPECT_EQ(convert(65504, u16, fp16, kNearest), 0x7bffu);
  EXPECT_EQ(convert(65519, u16, fp16, kNearest), 0x7bffu);
  EXPECT_EQ(convert(65520, u16, fp16, kNearest), 0x7c00u);
  EXPECT_EQ(convert(65535, u16, fp16, Rounding::toward_zero), 0x7bffu);
  EXPECT_EQ(convert(0x8000, s16, fp16, kNearest), 0xf800u);  // -32768
  EXPECT_EQ(convert(0xf800, fp16, s16, kNearest), 0x8000u);
  EXPECT_EQ(convert(0x7800, fp16, s16, kNearest), 0x8000u);  // 32768 is out of range
  EXPECT_EQ(convert(0x7800, fp16, u16, kNearest), 0x8000u);
  EXPECT_EQ(convert(0xb800, fp16, u16, kNearest), 0u);       // -0.5
  EXPECT_EQ(convert(0xb801, fp16, u16, kNearest), 0xffffu);  // below it
  EXPECT_EQ(convert(0x7c00, fp16, u64, kNearest), ~std::uint64_t{0});
  EXPECT_EQ(convert(0x7e00, fp16, s64, kNearest), std::uint64_t{1} << 63);
  EXPECT_EQ(convert(~std::uint64_t{0}, u64, fp16, kNearest), 0x7c00u);
  EXPECT_EQ(convert(0xfff0000000000001u, fp64, fp16, kNearest), 0xfe00u);  // a signaling NaN
  EXPECT_EQ(without_denormal(0x807fffff, fp32), 0x80000000u);
  EXPECT_EQ(without_denormal(0x00800000, fp32), 0x00800000u);
  EXPECT_EQ(without_denormal(0x800fffffffffffffu, fp64), std::uint64_t{1} << 63);
}

}  // namespace
}  // namespace burin::emulation
