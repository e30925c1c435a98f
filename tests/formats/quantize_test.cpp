// Groups of floats to codes and back: how far off a value may be, and what is refused.
#include "templates/formats/quantize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/error_text.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using tests::RandomValues;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

struct Restored {
  std::vector<std::uint8_t> codes;
  std::vector<double> values;
  double scale = 0;
  double minimum = 0;
};

Restored quantize_and_restore(const WeightFormat& format, const std::vector<float>& values) {
  Restored restored;
  restored.codes.assign(values.size(), 0xee);
  const QuantizedGroup group = quantize_group(format, values, restored.codes.data());
  restored.scale = static_cast<double>(scale_value(format.scale, group.scale));
  restored.minimum = format.symmetric ? 0 : static_cast<double>(scale_value(format.scale, group.minimum));
  for (const std::uint8_t code : restored.codes)
    restored.values.push_back(restored.scale * static_cast<double>(format.code_value(code)) +
                              restored.minimum);
  return restored;
}

double extreme_of(const std::vector<float>& values) {
  const auto far = std::max_element(values.begin(), values.end(),
                                    [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  return static_cast<double>(*far);
}

double squared_error(const std::vector<float>& values, const std::vector<double>& restored) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += std::pow(static_cast<double>(values[i]) - restored[i], 2);
  return sum;
}

// Largest error that rounding to the nearest code can cause. Half a step inside the range; a whole one where
// the symmetric range has no code for the other end; and what rounding scale and minimum to their type
// moves the ends of the range.
double error_bound(const WeightFormat& format, const std::vector<float>& values, const Restored& restored) {
  const int largest_code = (1 << format.bits) - 1;
  const double arithmetic = 1e-6 * std::fabs(extreme_of(values)) + static_cast<double>(kSmallest);
  if (format.symmetric) {
    const double levels = format.bits == 8 ? 127 : format.zero_code();
    const double exact = std::fabs(extreme_of(values)) / levels;
    const double step = std::fabs(restored.scale);
    return step * (format.bits == 8 ? 0.5 : 1.0) + levels * std::fabs(step - exact) + arithmetic;
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double exact = (static_cast<double>(*high) - static_cast<double>(*low)) / largest_code;
  return restored.scale / 2 + largest_code * std::fabs(restored.scale - exact) +
         std::fabs(restored.minimum - static_cast<double>(*low)) + arithmetic;
}

void expect_close(const WeightFormat& format, const std::vector<float>& values) {
  SCOPED_TRACE(to_text(format) + " of values to " + std::to_string(extreme_of(values)));
  const Restored restored = quantize_and_restore(format, values);
  const double bound = error_bound(format, values, restored);
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_LT(restored.codes[i], 1 << format.bits);
    ASSERT_NEAR(restored.values[i], static_cast<double>(values[i]), bound) << "value " << i;
  }
}

std::vector<WeightFormat> formats(int least_bits) {
  std::vector<WeightFormat> all;
  for (int bits = least_bits; bits <= 8; ++bits)
    for (const bool symmetric : {true, false})
      for (const ScaleType scale : {ScaleType::f32, ScaleType::f16, ScaleType::bf16})
        all.push_back(WeightFormat::integer_format(bits, symmetric, 32, scale));
  return all;
}

// The symmetric 1-bit format has codes for -scale and 0 only: its error is judged by itself below.
bool has_error_bound(const WeightFormat& format) { return format.bits > 1 || !format.symmetric; }

TEST(Quantize, ErrorIsBoundedByTheStep) {
  RandomValues random(3);
  for (const WeightFormat& format : formats(1)) {
    if (!has_error_bound(format)) continue;
    for (const float size : {1e-3f, 1.0f, 1000.0f}) {
      expect_close(format, random.values(32, size));
      std::vector<float> shifted = random.values(77, size);
      for (float& value : shifted) value += 3 * size;
      expect_close(format, shifted);
      for (float& value : shifted) value = -value;
      expect_close(format, shifted);
    }
  }
}

TEST(Quantize, TheExtremeOfASymmetricGroupIsKept) {
  for (int bits = 2; bits < 8; ++bits)
    for (const float extreme : {-4.0f, 4.0f}) {
      const WeightFormat format = WeightFormat::integer_format(bits, true, 32, ScaleType::f32);
      const Restored restored = quantize_and_restore(format, {0.0f, -extreme / 4, extreme, extreme / 2});
      EXPECT_EQ(restored.codes[2], 0) << bits;
      EXPECT_EQ(restored.values[2], static_cast<double>(extreme)) << bits;
      EXPECT_EQ(restored.codes[0], format.zero_code()) << bits;
    }
  const WeightFormat int8 = WeightFormat::integer_format(8, true, 32, ScaleType::f32);
  EXPECT_EQ(quantize_and_restore(int8, {-127.0f, 127.0f, 1.0f, 0.0f}).codes,
            (std::vector<std::uint8_t>{1, 255, 129, 128}));
}

TEST(Quantize, TheEndsOfAnAsymmetricGroupAreKept) {
  for (int bits = 1; bits <= 8; ++bits) {
    const WeightFormat format = WeightFormat::integer_format(bits, false, 32, ScaleType::f32);
    const auto span = static_cast<float>((1 << bits) - 1);
    const Restored restored = quantize_and_restore(format, {-2.0f, span - 2.0f, -1.0f});
    EXPECT_EQ(restored.values, (std::vector<double>{-2.0, static_cast<double>(span) - 2.0, -1.0})) << bits;
  }
}

TEST(Quantize, OneBitSymmetricHasTheLeastSquaredError) {
  RandomValues random(5);
  const WeightFormat format = WeightFormat::integer_format(1, true, 32, ScaleType::f32);
  std::vector<std::vector<float>> groups = {
      {10.0f, 0.1f, 0.1f, 0.1f}, {-1.0f, -1.0f, 0.9f}, {5.0f}, {-3.0f, 0.0f}};
  for (int i = 0; i < 50; ++i) groups.push_back(random.values(32));
  for (const std::vector<float>& values : groups) {
    const double error = squared_error(values, quantize_and_restore(format, values).values);
    // No scale on a fine grid is better: every value takes the nearer of 0 and -scale.
    for (int step = -1000; step <= 1000; ++step) {
      const double level = extreme_of(values) * step / 1000;
      double other = 0;
      for (const float value : values)
        other += std::pow(
            std::min(std::fabs(static_cast<double>(value)), std::fabs(static_cast<double>(value) - level)),
            2);
      ASSERT_LE(error, other + 1e-6) << "level " << level;
    }
  }
}

TEST(Quantize, ZerosStayZero) {
  for (const WeightFormat& format : formats(1)) {
    const Restored restored = quantize_and_restore(format, std::vector<float>(32, 0.0f));
    EXPECT_THAT(restored.values, Each(0.0)) << to_text(format);
  }
}

// A power of two is exact in every scale type.
TEST(Quantize, ConstantsAreExact) {
  for (const WeightFormat& format : formats(1))
    for (const float constant : {0.25f, -0.25f}) {
      if (format.symmetric && format.bits == 8) continue;  // a step is 1/127 of it, not a power of two
      const Restored restored = quantize_and_restore(format, std::vector<float>(32, constant));
      EXPECT_THAT(restored.values, Each(static_cast<double>(constant))) << to_text(format);
    }
}

// Steps so small that their inverse is no float, and steps that round to zero.
TEST(Quantize, GroupsOfSubnormalsStayBounded) {
  RandomValues random(7);
  for (const WeightFormat& format : formats(1)) {
    if (!has_error_bound(format)) continue;
    for (const float size :
         {kSmallest, 3 * kSmallest, 100 * kSmallest, 0x1p-130f, 0x1p-126f, 0x1p-120f, 0x1p-24f, 0x1p-20f}) {
      expect_close(format, {size, -size, 0.0f, size});
      expect_close(format, {size, 0.0f});
      expect_close(format, {-size});
      expect_close(format, random.values(32, size));
    }
  }
}

TEST(Quantize, TheWidestGroupsOfFloatsAreBounded) {
  const float largest = std::numeric_limits<float>::max();
  for (int bits = 2; bits <= 8; ++bits)
    for (const ScaleType scale : {ScaleType::f32, ScaleType::bf16}) {
      expect_close(WeightFormat::integer_format(bits, true, 32, scale), {largest, -largest / 2, 1.0f});
      expect_close(WeightFormat::integer_format(bits, false, 32, scale), {largest / 4, -largest / 2, 1.0f});
    }
}

TEST(Quantize, ValuesThatAreNotFiniteAreRefusedByPlace) {
  const struct {
    float value;
    const char* name;
  } cases[] = {{kInfinity, "is inf"}, {-kInfinity, "is -inf"}, {std::nanf(""), "nan"}};
  for (const WeightFormat& format : formats(1))
    for (const auto& [value, name] : cases) {
      std::vector<float> values(32, 1.0f);
      values[5] = value;
      EXPECT_THAT(tests::error_of([&, v = values] { quantize_and_restore(format, v); }),
                  AllOf(HasSubstr("weight 5"), HasSubstr(name)))
          << to_text(format);
    }
}

TEST(Quantize, AScaleThatOverflowsItsTypeIsRefused) {
  const WeightFormat symmetric = WeightFormat::integer_format(4, true, 32, ScaleType::f16);
  EXPECT_THAT(tests::error_of([&] {
                quantize_and_restore(symmetric, {0.0f, 8e5f});
              }),
              AllOf(HasSubstr("-100000"), HasSubstr("--scale f32 or bf16")));
  const WeightFormat asymmetric = WeightFormat::integer_format(4, false, 32, ScaleType::f16);
  EXPECT_THAT(tests::error_of([&] {
                quantize_and_restore(asymmetric, {0.0f, 1.5e6f});
              }),
              HasSubstr("100000"));
  // The minimum is stored in the scale's type too.
  EXPECT_THAT(tests::error_of([&] {
                quantize_and_restore(asymmetric, {-7e4f, -6.9e4f});
              }),
              HasSubstr("-70000"));
  for (const ScaleType scale : {ScaleType::f32, ScaleType::bf16})
    expect_close(WeightFormat::integer_format(4, true, 32, scale), {0.0f, 8e5f});
}

std::vector<WeightFormat> table_formats() {
  std::vector<WeightFormat> all;
  for (std::size_t table = 1; table < std::size(kValueTables); ++table)
    all.push_back(WeightFormat::table_format(static_cast<TableName>(table), 32, ScaleType::f32));
  return all;
}

TEST(Quantize, TablesKeepTheExtremeAndTakeTheNearestValue) {
  RandomValues random(8);
  for (const WeightFormat& format : table_formats())
    for (const float size : {1e-3f, 1.0f, 1000.0f}) {
      const std::vector<float> values = random.values(32, size);
      const Restored restored = quantize_and_restore(format, values);
      const double extreme = extreme_of(values);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto value = static_cast<double>(values[i]);
        if (value == extreme) {
          EXPECT_NEAR(restored.values[i], extreme, 1e-6 * std::fabs(extreme));
        }
        for (int code = 0; code < 1 << format.bits; ++code) {
          const double other = restored.scale * static_cast<double>(format.code_value(code));
          ASSERT_LE(std::fabs(restored.values[i] - value),
                    std::fabs(other - value) + 1e-6 * std::fabs(extreme))
              << to_text(format) << " value " << value;
        }
      }
    }
}

TEST(Quantize, TablesOfZeros) {
  for (const WeightFormat& format : table_formats())
    EXPECT_THAT(quantize_and_restore(format, std::vector<float>(32, 0.0f)).values, Each(0.0))
        << to_text(format);
}

// As the MX specification has it: the exponent of the largest value, less that of the table's 6.
TEST(Quantize, ExponentScales) {
  const WeightFormat format = parse_weight_format("e2m1.g32.e8m0");
  const Restored restored = quantize_and_restore(format, {6.0f, -3.0f, 0.5f, 1.2f, 0.0f});
  EXPECT_EQ(restored.scale, 1.0);
  EXPECT_EQ(restored.values, (std::vector<double>{6, -3, 0.5, 1, 0}));
  EXPECT_EQ(quantize_and_restore(format, {7.9f, 1.0f}).values, (std::vector<double>{6, 1}));  // clamped
  EXPECT_EQ(quantize_and_restore(format, {0.0f, 8.0f}).values, (std::vector<double>{0, 8}));
  EXPECT_EQ(quantize_and_restore(format, {0.0f, -0.0f}).values, (std::vector<double>{0, 0}));
  EXPECT_EQ(quantize_and_restore(format, {-0x1p-126f}).scale, 0x1p-127);  // no smaller exponent
  for (const std::uint32_t bits : {0u, 1u, 127u, 254u}) {
    EXPECT_EQ(scale_value(ScaleType::e8m0, bits), std::ldexp(1.0f, static_cast<int>(bits) - 127));
    EXPECT_EQ(scale_bits(ScaleType::e8m0, scale_value(ScaleType::e8m0, bits)), bits);
  }
}

TEST(Quantize, ScaleBitsAreRoundedToNearest) {
  EXPECT_EQ(scale_bits(ScaleType::f32, 1.0f), 0x3f800000u);
  EXPECT_EQ(scale_bits(ScaleType::f16, 1.0f + 0x1p-11f), 0x3c00u);
  EXPECT_EQ(scale_bits(ScaleType::bf16, 1.0f + 0x1p-8f), 0x3f80u);
  for (const ScaleType type : {ScaleType::f32, ScaleType::f16, ScaleType::bf16})
    EXPECT_EQ(scale_value(type, scale_bits(type, -0.375f)), -0.375f);
}

}  // namespace
}  // namespace burin::kernels
