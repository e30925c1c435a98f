// Exponents, mantissas, fractions and classes of every FP16, against the CPU's AVX-512 in single precision.
#include "tests/emulation/half_parts.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "jit/target.hpp"
#include "tests/emulation/cpu_reference.hpp"

namespace burin::emulation {
namespace {

#define BURIN_AVX512 __attribute__((target("avx512f,avx512dq"), noinline))

constexpr Half kMinus = 0x8000, kOne = 0x3c00;

class HalfParts : public testing::Test {
 protected:
  void SetUp() override {
    if (!jit::host_target().has(jit::Feature::avx512)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
  }
};

// All NaNs on the left are quiet, since they come from cpu_widen.
BURIN_AVX512 float cpu_exponent(float a) {
  return _mm_cvtss_f32(_mm_getexp_ss(_mm_set_ss(a), _mm_set_ss(a)));
}
template <int kImmediate>
BURIN_AVX512 float cpu_mantissa(float a) {
  return _mm_cvtss_f32(_mm_getmant_ss(_mm_set_ss(a), _mm_set_ss(a), _MM_MANTISSA_NORM_ENUM(kImmediate & 3),
                                      _MM_MANTISSA_SIGN_ENUM(kImmediate >> 2)));
}
template <int kImmediate>
BURIN_AVX512 float cpu_round(float a) {
  return _mm_cvtss_f32(_mm_roundscale_ss(_mm_set_ss(a), _mm_set_ss(a), kImmediate));
}
template <int kImmediate>
BURIN_AVX512 float cpu_reduce(float a) {
  return _mm_cvtss_f32(_mm_reduce_ss(_mm_set_ss(a), _mm_set_ss(a), kImmediate));
}
template <int kClass>
BURIN_AVX512 bool cpu_is(float a) {
  return _mm_fpclass_ss_mask(_mm_set_ss(a), kClass) != 0;
}
BURIN_AVX512 float cpu_scale(float a, float b) {
  return _mm_cvtss_f32(_mm_scalef_ss(_mm_set_ss(a), _mm_set_ss(b)));
}

template <typename Check>
void for_all_halves(Check check) {
  for (int a = 0; a < 0x10000; ++a) {
    check(static_cast<Half>(a));
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST_F(HalfParts, Exponents) {
  for_all_halves(
      [](Half a) { ASSERT_EQ(half_exponent(a), cpu_narrow(cpu_exponent(cpu_widen(a)))) << std::hex << a; });
}

template <int kImmediate>
void compare_mantissas() {
  for_all_halves([](Half a) {
    ASSERT_EQ(half_mantissa(a, static_cast<MantissaInterval>(kImmediate & 3), kImmediate >> 2),
              cpu_narrow(cpu_mantissa<kImmediate>(cpu_widen(a))))
        << std::hex << a << " immediate " << kImmediate;
  });
}
template <int... kImmediates>
void compare_all_mantissas(std::integer_sequence<int, kImmediates...>) {
  (compare_mantissas<kImmediates>(), ...);
}
TEST_F(HalfParts, Mantissas) { compare_all_mantissas(std::make_integer_sequence<int, 12>()); }

// Immediates of 0, 5, 10, 12 and 15 fraction bits, rounded in each direction.
template <int kImmediate>
void compare_rounded() {
  const auto rounding = static_cast<Rounding>(kImmediate & 3);
  for_all_halves([&](Half a) {
    const float wide = cpu_widen(a);
    ASSERT_EQ(half_round(a, kImmediate >> 4, rounding), cpu_narrow(cpu_round<kImmediate>(wide)))
        << std::hex << a << " immediate " << kImmediate;
    ASSERT_EQ(half_reduce(a, kImmediate >> 4, rounding),
              on_cpu(rounding, [&] { return cpu_reduce<kImmediate>(wide); }))
        << std::hex << a << " immediate " << kImmediate;
  });
}
template <int... kDirections>
void compare_all_rounded(std::integer_sequence<int, kDirections...>) {
  (compare_rounded<kDirections>(), ...);
  (compare_rounded<0x50 | kDirections>(), ...);
  (compare_rounded<0xa0 | kDirections>(), ...);
  (compare_rounded<0xc0 | kDirections>(), ...);
  (compare_rounded<0xf0 | kDirections>(), ...);
}
TEST_F(HalfParts, RoundedAndReduced) { compare_all_rounded(std::make_integer_sequence<int, 4>()); }

TEST_F(HalfParts, Classes) {
  for_all_halves([](Half a) {
    const float wide = cpu_widen(a);
    const unsigned on_cpu = (cpu_is<1>(wide) ? 1u : 0u) | (cpu_is<2>(wide) ? 2u : 0u) |
                            (cpu_is<4>(wide) ? 4u : 0u) | (cpu_is<8>(wide) ? 8u : 0u) |
                            (cpu_is<16>(wide) ? 16u : 0u) | (cpu_is<64>(wide) ? 64u : 0u);
    const bool denormal = magnitude_of(a) != 0 && magnitude_of(a) < 0x400;
    const bool signaling = is_nan(a) && (a & 0x200) == 0;
    ASSERT_EQ(half_class(a), signaling ? kSignalingNan : on_cpu | (denormal ? kDenormal : 0u))
        << std::hex << a;
  });
}

void compare_scaled(Half a, Half b) {
  const float wide_a = cpu_widen(a), wide_b = cpu_widen(b);
  // A signaling NaN differs from a quiet one where b is infinite, and the CPU gets quiet ones only.
  if (is_nan(a) && (a & 0x200) == 0) return;
  for (const Rounding rounding : kRoundings)
    ASSERT_EQ(half_scale(a, b, rounding), on_cpu(rounding, [&] { return cpu_scale(wide_a, wide_b); }))
        << std::hex << a << " " << b << " rounding " << static_cast<int>(rounding);
}
TEST_F(HalfParts, Scaled) {
  for (const Half a : special_halves())
    for (const Half b : special_halves()) compare_scaled(a, b);
  tests::RandomValues random(13);
  for (int i = 0; i < 50000; ++i) compare_scaled(random_half(random), random_half(random));
  // Powers that leave the result in range: up to 40 in either direction, in steps of 1/16.
  for (int i = 0; i < 50000; ++i) {
    const float power = static_cast<float>(random.below(1280) - 640) / 16;
    compare_scaled(random_half(random), cpu_narrow(power));
  }
}

TEST(HalfPartsByHand, All) {
  EXPECT_EQ(half_exponent(0x0001), 0xce00);  // -24
  EXPECT_EQ(half_exponent(0x4200), kOne);    // 3: 1
  EXPECT_EQ(half_exponent(kMinus), kMinus | kInfinity);
  EXPECT_EQ(half_mantissa(0x4200, MantissaInterval::one_to_two, 0), 0x3e00);
  EXPECT_EQ(half_mantissa(0x4200, MantissaInterval::half_to_two, 0), 0x3a00);
  EXPECT_EQ(half_mantissa(0xc200, MantissaInterval::three_quarters, 1), 0x3a00);
  EXPECT_EQ(half_mantissa(0xc200, MantissaInterval::three_quarters, 2), kDefaultNan);
  EXPECT_EQ(half_round(0x3e00, 0, Rounding::nearest_even), 0x4000);     // 1.5
  EXPECT_EQ(half_round(0x4100, 0, Rounding::nearest_even), 0x4000);     // 2.5
  EXPECT_EQ(half_round(0xb800, 0, Rounding::nearest_even), kMinus);     // -0.5
  EXPECT_EQ(half_reduce(0x4100, 0, Rounding::nearest_even), 0x3800);    // 2.5 - 2
  EXPECT_EQ(half_scale(kOne, 0x4300, Rounding::nearest_even), 0x4800);  // 1 * 2^floor(3.5)
  EXPECT_EQ(half_scale(kOne, 0xce40, Rounding::nearest_even), 0);       // 2^-25 is half-way to the smallest
  EXPECT_EQ(half_scale(kOne, 0xce40, Rounding::up), 1);
  EXPECT_EQ(half_scale(0x7c01, kInfinity, Rounding::up), 0x7e01);
  EXPECT_EQ(half_class(0x8001), kDenormal | kNegativeFinite);
  EXPECT_EQ(half_class(kOne), 0u);
}

}  // namespace
}  // namespace burin::emulation
