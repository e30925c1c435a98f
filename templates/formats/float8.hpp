// Eight-bit floats: sign, exponent, mantissa. Micikevicius et al., FP8 Formats for Deep Learning
// (https://arxiv.org/abs/2209.05433).
//
//   E5M2   5 bits of exponent, 2 of mantissa: the upper byte of an f16
//   E4M3   4 bits of exponent, 3 of mantissa, bias 7; no infinities, and NaN is 0x7f and 0xff only
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "templates/formats/float16.hpp"

namespace burin::kernels {

struct Float8 {
  int mantissa_bits;
  int bias;               // of the exponent
  unsigned largest_code;  // of a number; what is above it, up to 0x7f, is none
  float largest;          // that number

  constexpr bool is_number(unsigned code) const { return (code & 0x7f) <= largest_code; }
};
inline constexpr Float8 kE4m3 = {3, 7, 0x7e, 448};
inline constexpr Float8 kE5m2 = {2, 15, 0x7b, 57344};

// What an E4M3 that is read as the middle bits of an f16, of bias 15, has to be multiplied with.
inline constexpr float kE4m3FromF16 = 256;

// NaN and E5M2's infinities are themselves.
constexpr float float8_to_f32(const Float8& type, unsigned code) {
  if (type.mantissa_bits == kE5m2.mantissa_bits) return f16_to_f32(static_cast<std::uint16_t>(code << 8));
  if (!type.is_number(code)) return std::numeric_limits<float>::quiet_NaN();
  const auto bits = static_cast<std::uint16_t>((code & 0x80) << 8 | (code & 0x7f) << 7);
  return f16_to_f32(bits) * kE4m3FromF16;
}

// To nearest even; what is larger than the largest number becomes that. `value` is no NaN.
inline unsigned f32_to_float8(const Float8& type, float value) {
  const float magnitude = std::min(std::fabs(value), type.largest);
  const unsigned sign = std::signbit(value) ? 0x80 : 0;
  if (magnitude == 0) return sign;
  // Mantissas are counted in steps of their exponent; below the smallest normal number there is one exponent. The
  // hidden bit of normal numbers, and a mantissa that is rounded up beyond its bits, add one to the exponent.
  const int exponent = std::max(std::ilogb(magnitude), 1 - type.bias);
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, type.mantissa_bits - exponent)));
  return sign | static_cast<unsigned>(((exponent - (1 - type.bias)) << type.mantissa_bits) + steps);
}

}  // namespace burin::kernels
