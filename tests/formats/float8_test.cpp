// Eight-bit floats against their definition.
#include "templates/formats/float8.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace burin::kernels {
namespace {

constexpr const Float8* kTypes[] = {&kE4m3, &kE5m2};

std::vector<unsigned> numbers(const Float8& type) {
  std::vector<unsigned> codes;
  for (unsigned code = 0; code < 256; ++code)
    if ((code & 0x7f) <= type.largest_code) codes.push_back(code);
  return codes;
}

double by_definition(const Float8& type, unsigned code) {
  const unsigned magnitude = code & 0x7f;
  const auto exponent = static_cast<int>(magnitude >> type.mantissa_bits);
  const double mantissa = magnitude % (1u << type.mantissa_bits) / std::pow(2.0, type.mantissa_bits);
  const double size =
      exponent == 0 ? std::ldexp(mantissa, 1 - type.bias) : std::ldexp(1 + mantissa, exponent - type.bias);
  return code & 0x80 ? -size : size;
}

TEST(Float8, EveryCode) {
  for (const Float8* type : kTypes) {
    for (const unsigned code : numbers(*type))
      EXPECT_EQ(float8_to_f32(*type, code), by_definition(*type, code)) << code;
    EXPECT_EQ(float8_to_f32(*type, type->largest_code), type->largest);
    EXPECT_TRUE(std::signbit(float8_to_f32(*type, 0x80)));
  }
}

TEST(Float8, WhatIsNoNumber) {
  EXPECT_TRUE(std::isnan(float8_to_f32(kE4m3, 0x7f)));
  EXPECT_TRUE(std::isnan(float8_to_f32(kE4m3, 0xff)));
  EXPECT_EQ(float8_to_f32(kE5m2, 0x7c), std::numeric_limits<float>::infinity());
  EXPECT_EQ(float8_to_f32(kE5m2, 0xfc), -std::numeric_limits<float>::infinity());
  for (const unsigned code : {0x7du, 0x7eu, 0xffu})
    EXPECT_TRUE(std::isnan(float8_to_f32(kE5m2, code))) << code;
}

TEST(Float8, NumbersAreTheirOwnCodes) {
  for (const Float8* type : kTypes)
    for (const unsigned code : numbers(*type))
      EXPECT_EQ(f32_to_float8(*type, float8_to_f32(*type, code)), code);
}

TEST(Float8, BetweenNeighboursTheNearestThenTheEvenOne) {
  for (const Float8* type : kTypes)
    for (unsigned code = 0; code < type->largest_code; ++code) {
      const float low = float8_to_f32(*type, code);
      const float high = float8_to_f32(*type, code + 1);
      const float middle = (low + high) / 2;  // exact: f32 has more digits
      EXPECT_EQ(f32_to_float8(*type, middle), code % 2 == 0 ? code : code + 1);
      EXPECT_EQ(f32_to_float8(*type, std::nextafter(middle, 0.0f)), code);
      EXPECT_EQ(f32_to_float8(*type, std::nextafter(middle, high)), code + 1);
      EXPECT_EQ(f32_to_float8(*type, -std::nextafter(middle, high)), 0x80 | (code + 1));
    }
}

TEST(Float8, LargeValuesBecomeTheLargest) {
  for (const Float8* type : kTypes)
    for (const float value : {type->largest * 1.01f, 1e30f, std::numeric_limits<float>::infinity()}) {
      EXPECT_EQ(f32_to_float8(*type, value), type->largest_code);
      EXPECT_EQ(f32_to_float8(*type, -value), 0x80 | type->largest_code);
    }
}

}  // namespace
}  // namespace burin::kernels
