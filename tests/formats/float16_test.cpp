// The 16-bit floats against arithmetic on doubles, which knows nothing of their bits.
#include "templates/formats/float16.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What a 16-bit float is: sign, exponent bits, mantissa bits.
struct Layout {
  int mantissa_bits;
  int bias;
  std::uint16_t infinity;
  float (*widen)(std::uint16_t);
  std::uint16_t (*narrow)(float);

  // Exponent of the unit of denormals: the distance of the values next to zero.
  int least_unit() const { return 1 - bias - mantissa_bits; }
};

constexpr Layout kLayouts[] = {
    {10, 15, 0x7c00, f16_to_f32, f32_to_f16},
    {7, 127, 0x7f80, bf16_to_f32, f32_to_bf16},
};
constexpr std::uint16_t kSign = 0x8000;

double value_of(const Layout& layout, std::uint16_t bits) {
  const int exponent = (bits & 0x7fff) >> layout.mantissa_bits;
  const int mantissa = bits & ((1 << layout.mantissa_bits) - 1);
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, layout.least_unit())
                    : std::ldexp(mantissa + (1 << layout.mantissa_bits), layout.least_unit() + exponent - 1);
  return (bits & kSign) != 0 ? -magnitude : magnitude;
}

bool is_nan(const Layout& layout, std::uint16_t bits) { return (bits & 0x7fff) > layout.infinity; }
bool is_finite(const Layout& layout, std::uint16_t bits) { return (bits & 0x7fff) < layout.infinity; }

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

// Nearest multiple of the unit at the value's size, ties to even, by the C library's rounding of doubles.
double rounded(const Layout& layout, float value) {
  if (value == 0) return 0;
  const auto wide = static_cast<double>(value);
  const int unit = std::max(std::ilogb(wide) - layout.mantissa_bits, layout.least_unit());
  const double nearest = std::ldexp(std::nearbyint(std::ldexp(wide, -unit)), unit);
  const double largest = value_of(layout, static_cast<std::uint16_t>(layout.infinity - 1));
  return std::fabs(nearest) > largest ? std::copysign(static_cast<double>(kInfinity), wide) : nearest;
}

TEST(Float16, EveryValueWidensExactlyAndComesBack) {
  for (const Layout& layout : kLayouts)
    for (int i = 0; i <= 0xffff; ++i) {
      const auto bits = static_cast<std::uint16_t>(i);
      const float wide = layout.widen(bits);
      if (is_nan(layout, bits)) {
        ASSERT_TRUE(std::isnan(wide)) << i;
        const std::uint16_t back = layout.narrow(wide);
        ASSERT_TRUE(is_nan(layout, back)) << i;
        ASSERT_EQ(back & kSign, bits & kSign) << i;
        continue;
      }
      if (is_finite(layout, bits))
        ASSERT_EQ(static_cast<double>(wide), value_of(layout, bits)) << i;
      else
        ASSERT_EQ(wide, (bits & kSign) != 0 ? -kInfinity : kInfinity);
      ASSERT_EQ(std::signbit(wide), (bits & kSign) != 0) << i;
      ASSERT_EQ(layout.narrow(wide), bits) << i;
    }
}

// Between two neighbours, all that matters is the middle and the floats on either side of it.
TEST(Float16, TiesGoToEvenAndAllElseToTheNearest) {
  for (const Layout& layout : kLayouts)
    for (int i = 0; i + 1 < layout.infinity; ++i)
      for (const std::uint16_t sign : {std::uint16_t{0}, kSign}) {
        const auto low = static_cast<std::uint16_t>(i | sign);
        const auto high = static_cast<std::uint16_t>((i + 1) | sign);
        const auto middle = static_cast<float>((value_of(layout, low) + value_of(layout, high)) / 2);
        const float outwards = sign != 0 ? -kInfinity : kInfinity;
        ASSERT_EQ(layout.narrow(middle), i % 2 == 0 ? low : high) << i;
        ASSERT_EQ(layout.narrow(std::nextafter(middle, 0.0f)), low) << i;
        ASSERT_EQ(layout.narrow(std::nextafter(middle, outwards)), high) << i;
      }
}

TEST(Float16, AnyFloatIsRoundedAsTheLibraryRounds) {
  tests::RandomValues random(1);
  for (const Layout& layout : kLayouts)
    for (int i = 0; i < 200000; ++i) {
      const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()));
      if (std::isnan(value)) continue;
      const std::uint16_t narrow = layout.narrow(value);
      ASSERT_EQ(static_cast<double>(layout.widen(narrow)), rounded(layout, value)) << bits_of(value);
      ASSERT_EQ((narrow & kSign) != 0, std::signbit(value)) << bits_of(value);
    }
}

TEST(Float16, OverflowGivesInfinity) {
  EXPECT_EQ(f32_to_f16(65504.0f), 0x7bff);
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);  // as far from 65504 as from 65536: to even, which is infinity
  EXPECT_EQ(f32_to_f16(-65520.0f), 0xfc00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_EQ(f32_to_f16(-kInfinity), 0xfc00);
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7f7f7fffu)), 0x7f7f);  // just below half a unit more
  EXPECT_EQ(f32_to_bf16(-kInfinity), 0xff80);
}

TEST(Float16, SmallValuesBecomeDenormalsOrZero) {
  EXPECT_EQ(f32_to_f16(0x1p-14f), 0x0400);                        // smallest normal
  EXPECT_EQ(f32_to_f16(std::nextafter(0x1p-14f, 0.0f)), 0x0400);  // rounds up to it
  EXPECT_EQ(f32_to_f16(0x1p-24f), 0x0001);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000);  // half of the smallest: to even
  EXPECT_EQ(f32_to_f16(std::nextafter(0x1p-25f, 1.0f)), 0x0001);
  EXPECT_EQ(f32_to_f16(-0x1p-26f), 0x8000);  // the sign stays
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0x0000);
  EXPECT_EQ(f32_to_bf16(0x1p-133f), 0x0001);  // denormal in both
  EXPECT_EQ(f32_to_bf16(-std::numeric_limits<float>::denorm_min()), 0x8000);
}

TEST(Float16, NanStaysQuietNan) {
  for (const std::uint32_t bits : {0x7fc00000u, 0x7f800001u, 0x7fffffffu, 0xff800001u, 0xffc12345u}) {
    const auto value = std::bit_cast<float>(bits);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & kSign);
    EXPECT_EQ(f32_to_f16(value) & 0xfe00, sign | 0x7e00) << bits;
    EXPECT_EQ(f32_to_bf16(value) & 0xffc0, sign | 0x7fc0) << bits;
  }
}

}  // namespace
}  // namespace burin::kernels
