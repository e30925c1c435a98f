#include "tests/emulation/number.hpp"

#include <algorithm>

namespace burin::emulation {
namespace {

constexpr int kWideBits = 128;

int bit_width(Wide value) {
  int width = 0;
  for (int step = 64; step > 0; step /= 2) {
    if (value >> step == 0) continue;
    value >>= step;
    width += step;
  }
  return value != 0 ? width + 1 : 0;
}

// magnitude / 2^drop, rounded; `below` stands for bits that are already gone.
Wide shift_rounded(const Number& number, int drop, Rounding rounding) {
  if (drop <= 0) return number.magnitude << -drop;
  Wide kept = 0;
  bool half = false;
  bool rest = number.inexact;
  if (drop <= kWideBits) {
    kept = drop < kWideBits ? number.magnitude >> drop : 0;
    half = (number.magnitude >> (drop - 1) & 1) != 0;
    rest = rest || (number.magnitude & ((Wide{1} << (drop - 1)) - 1)) != 0;
  } else {
    rest = rest || number.magnitude != 0;
  }
  bool away = false;
  switch (rounding) {
    case Rounding::nearest_even: away = half && (rest || (kept & 1) != 0); break;
    case Rounding::down: away = number.negative && (half || rest); break;
    case Rounding::up: away = !number.negative && (half || rest); break;
    case Rounding::toward_zero: break;
  }
  return away ? kept + 1 : kept;
}

}  // namespace

std::uint64_t round_to_float(const Number& number, FloatFormat format, Rounding rounding) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const std::uint64_t sign = std::uint64_t{number.negative} << (format.exponent_bits + format.fraction_bits);
  if (number.magnitude == 0 && !number.inexact) return sign;
  // value = 1.xxx * 2^leading; below the normal range the grid stays that of the smallest normal numbers.
  const int leading = number.exponent + bit_width(number.magnitude) - 1;
  const int grid = std::max(leading, 1 - bias);
  const Wide significand = shift_rounded(number, grid - format.fraction_bits - number.exponent, rounding);
  // The leading one of a normal number adds 1 to the exponent field, and so does a carry out of the fraction.
  const std::uint64_t infinity = ((std::uint64_t{1} << format.exponent_bits) - 1) << format.fraction_bits;
  const bool beyond = grid > bias;
  const std::uint64_t bits = beyond ? infinity
                                    : (static_cast<std::uint64_t>(grid + bias - 1) << format.fraction_bits) +
                                          static_cast<std::uint64_t>(significand);
  if (bits < infinity) return sign | bits;
  const bool to_infinity =
      rounding == Rounding::nearest_even || rounding == (number.negative ? Rounding::down : Rounding::up);
  return sign | (to_infinity ? infinity : infinity - 1);
}

Number round_to_integer(const Number& number, Rounding rounding) {
  Number integer;
  integer.negative = number.negative;
  integer.magnitude = shift_rounded(number, -number.exponent, rounding);
  return integer;
}

Number float_value(std::uint64_t bits, FloatFormat format) {
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const std::uint64_t field = bits >> format.fraction_bits & ((std::uint64_t{1} << format.exponent_bits) - 1);
  Number number;
  number.negative = (bits >> (format.exponent_bits + format.fraction_bits) & 1) != 0;
  number.magnitude = bits & ((std::uint64_t{1} << format.fraction_bits) - 1);
  if (field != 0) number.magnitude |= Wide{1} << format.fraction_bits;
  number.exponent = static_cast<int>(std::max<std::uint64_t>(field, 1)) - bias - format.fraction_bits;
  return number;
}

}  // namespace burin::emulation
