// The AMX products against hand-computed results and against plain code.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/emulation/flushed_float.hpp"
#include "tests/emulation/tile_multiply.hpp"

namespace burin::emulation {
namespace {

using tests::RandomValues;

std::uint32_t bf16_pair(float low, float high) { return as_bits(low) >> 16 | (as_bits(high) & 0xffff0000u); }

TEST(AmxProducts, BytesByHand) {
  // A: 1, 254 or -2, 3, 128 or -128; B: 127, 255 or -1, 2, 128 or -128.
  const Dwords a{0x8003fe01}, b{0x8002ff7f}, c{1000};
  EXPECT_EQ(multiply(kSigned, {1, 1, 1}, c, a, b)[0], 1000 + 127 + 2 + 6 + 16384u);
  EXPECT_EQ(multiply(kSignedUnsigned, {1, 1, 1}, c, a, b)[0],
            static_cast<std::uint32_t>(1000 + 127 - 510 + 6 - 16384));
  EXPECT_EQ(multiply(kUnsignedSigned, {1, 1, 1}, c, a, b)[0],
            static_cast<std::uint32_t>(1000 + 127 - 254 + 6 - 16384));
  EXPECT_EQ(multiply(kUnsigned, {1, 1, 1}, c, a, b)[0], 1000 + 127 + 64770 + 6 + 16384u);
  // Sums wrap around.
  EXPECT_EQ(multiply(kUnsigned, {1, 1, 1}, {0xffffffff}, {1}, {3})[0], 2u);
}

template <typename A, typename B>
Dwords bytes_reference(Shape s, Dwords c, const Dwords& a, const Dwords& b) {
  for (int m = 0; m < s.m; ++m)
    for (int n = 0; n < s.n; ++n)
      for (int k = 0; k < 4 * s.k; ++k) {
        const auto x = static_cast<A>(a[static_cast<std::size_t>(m * s.k + k / 4)] >> (8 * (k % 4)));
        const auto y = static_cast<B>(b[static_cast<std::size_t>(k / 4 * s.n + n)] >> (8 * (k % 4)));
        c[static_cast<std::size_t>(m * s.n + n)] += static_cast<std::uint32_t>(x * y);
      }
  return c;
}

constexpr Shape kShapes[] = {{1, 1, 1}, {16, 16, 16}, {16, 1, 16}, {1, 16, 16},
                             {7, 5, 3}, {3, 16, 9},   {16, 9, 1}};

TEST(AmxProducts, RandomBytes) {
  RandomValues random(1);
  for (const Shape s : kShapes) {
    SCOPED_TRACE(std::to_string(s.m) + " x " + std::to_string(s.k) + " x " + std::to_string(s.n));
    const Dwords a = random_dwords(random, s.m * s.k), b = random_dwords(random, s.k * s.n),
                 c = random_dwords(random, s.m * s.n);
    EXPECT_EQ(multiply(kSigned, s, c, a, b), (bytes_reference<std::int8_t, std::int8_t>(s, c, a, b)));
    EXPECT_EQ(multiply(kSignedUnsigned, s, c, a, b),
              (bytes_reference<std::int8_t, std::uint8_t>(s, c, a, b)));
    EXPECT_EQ(multiply(kUnsignedSigned, s, c, a, b),
              (bytes_reference<std::uint8_t, std::int8_t>(s, c, a, b)));
    EXPECT_EQ(multiply(kUnsigned, s, c, a, b), (bytes_reference<std::uint8_t, std::uint8_t>(s, c, a, b)));
  }
}

float bf16(std::uint32_t bits) { return as_float(bits << 16); }
float fp16(std::uint32_t bits) {
  const auto exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<float>(bits & 1023);
  const float magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}
float flush(float value) {
  return std::fabs(value) < std::numeric_limits<float>::min() ? std::copysign(0.0f, value) : value;
}

Dwords halves_reference(Shape s, Dwords c, const Dwords& a, const Dwords& b, float (*widen)(std::uint32_t)) {
  for (int m = 0; m < s.m; ++m)
    for (int n = 0; n < s.n; ++n) {
      float sum[2] = {};
      for (int k = 0; k < s.k; ++k)
        for (int half = 0; half < 2; ++half) {
          const float x = flush(widen(a[static_cast<std::size_t>(m * s.k + k)] >> (16 * half) & 0xffff));
          const float y = flush(widen(b[static_cast<std::size_t>(k * s.n + n)] >> (16 * half) & 0xffff));
          sum[half] = flush(std::fma(x, y, sum[half]));
        }
      std::uint32_t& to = c[static_cast<std::size_t>(m * s.n + n)];
      to = as_bits(flush(flush(as_float(to)) + flush(sum[0] + sum[1])));
    }
  return c;
}

// Halves of any sign and fraction, with `exponents` values of the exponent field from `first` on.
Dwords random_halves(RandomValues& random, int count, int fraction_bits, int first, int exponents) {
  Dwords all(static_cast<std::size_t>(count));
  for (std::uint32_t& value : all)
    for (int half = 0; half < 2; ++half) {
      const auto exponent = static_cast<std::uint32_t>(first + random.below(exponents));
      const auto rest = static_cast<std::uint32_t>(random.bits()) & (0x8000u | ((1u << fraction_bits) - 1));
      value |= (rest | exponent << fraction_bits) << (16 * half);
    }
  return all;
}

TEST(AmxProducts, RandomHalves) {
  RandomValues random(2);
  for (const Shape s : kShapes) {
    SCOPED_TRACE(std::to_string(s.m) + " x " + std::to_string(s.k) + " x " + std::to_string(s.n));
    Dwords c(static_cast<std::size_t>(s.m * s.n));
    for (std::uint32_t& value : c) value = as_bits(random.value());
    const Dwords a = random_halves(random, s.m * s.k, 7, 120, 10),
                 b = random_halves(random, s.k * s.n, 7, 120, 10);
    EXPECT_EQ(multiply(kBf16, s, c, a, b), halves_reference(s, c, a, b, bf16));
    const Dwords d = random_halves(random, s.m * s.k, 10, 0, 31),
                 e = random_halves(random, s.k * s.n, 10, 0, 31);
    EXPECT_EQ(multiply(kFp16, s, c, d, e), halves_reference(s, c, d, e, fp16));
    // Products around the smallest normal float, 2^-126: exponent fields of 64 are 2^-63.
    const Dwords f = random_halves(random, s.m * s.k, 7, 58, 12),
                 g = random_halves(random, s.k * s.n, 7, 58, 12);
    const Dwords zeros(c.size());
    EXPECT_EQ(multiply(kBf16, s, zeros, f, g), halves_reference(s, zeros, f, g, bf16));
  }
}

TEST(AmxProducts, HalvesByHand) {
  const Shape one{1, 1, 1};
  EXPECT_EQ(multiply(kBf16, one, {as_bits(0.5f)}, {bf16_pair(1, 3)}, {bf16_pair(2, 4)})[0], as_bits(14.5f));
  // 1.0, -2.0 times 1.5, smallest denormal.
  EXPECT_EQ(multiply(kFp16, one, {0}, {0xc0003c00}, {0x00013e00})[0], as_bits(1.5f - 0x1p-23f));
  // Products of low and of high halves are summed apart: -2^24 + (2^24 + 1), not (-2^24 + 2^24) + 1.
  EXPECT_EQ(multiply(kBf16, one, {as_bits(-0x1p24f)}, {bf16_pair(0x1p24f, 1)}, {bf16_pair(1, 1)})[0],
            as_bits(0));
}

TEST(AmxProducts, DenormalsAreZeros) {
  const Shape one{1, 1, 1};
  constexpr std::uint32_t kDenormal = 0x00000001;
  // A denormal BF16 times 2^100, a product of 2^-130, and a denormal accumulator.
  EXPECT_EQ(multiply(kBf16, one, {0}, {0x0040}, {bf16_pair(0x1p100f, 0)})[0], 0u);
  EXPECT_EQ(multiply(kBf16, one, {0}, {bf16_pair(0x1p-65f, 0)}, {bf16_pair(0x1p-65f, 0)})[0], 0u);
  EXPECT_EQ(multiply(kBf16, one, {kDenormal}, {0}, {0})[0], 0u);
  EXPECT_EQ(multiply(kFp16, one, {kDenormal}, {0}, {0})[0], 0u);
  // An FP16 denormal counts: 2^-24 * 2^-24.
  EXPECT_EQ(multiply(kFp16, one, {0}, {1}, {1})[0], as_bits(0x1p-48f));
}

TEST(AmxProducts, InfinitiesAndNans) {
  const Shape one{1, 1, 1};
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(multiply(kBf16, one, {0}, {bf16_pair(infinity, 0)}, {bf16_pair(-2, 1)})[0], as_bits(-infinity));
  EXPECT_TRUE(
      std::isnan(as_float(multiply(kBf16, one, {0}, {bf16_pair(infinity, 0)}, {bf16_pair(0, 1)})[0])));
  EXPECT_EQ(multiply(kFp16, one, {0}, {0x7c00}, {0x3c00})[0], as_bits(infinity));
  EXPECT_TRUE(std::isnan(as_float(multiply(kFp16, one, {0}, {0x7e01}, {0x3c00})[0])));
}

}  // namespace
}  // namespace burin::emulation
