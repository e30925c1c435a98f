#include "tests/emulation/half_parts.hpp"

#include <algorithm>
#include <cstdlib>

namespace burin::emulation {
namespace {

// floor(log2(|a|)) of a number that is neither zero nor infinite.
int exponent_of(Half a) {
  const Number value = float_value(magnitude_of(a), kHalfFormat);
  int exponent = value.exponent - 1;
  for (Wide rest = value.magnitude; rest != 0; rest >>= 1) ++exponent;
  return exponent;
}

}  // namespace

Half half_scale(Half a, Half b, Rounding rounding) {
  if (is_nan(a)) {
    const bool signaling = (a & 0x0200u) == 0;
    if (!signaling && is_infinite(b)) return is_negative(b) ? 0 : kInfinity;
    return quiet(a);
  }
  if (is_nan(b)) return quiet(b);
  const Half sign = a & 0x8000;
  if (is_infinite(b)) {
    if (is_negative(b)) return is_infinite(a) ? kDefaultNan : sign;
    return is_zero(a) ? kDefaultNan : sign | kInfinity;
  }
  if (is_infinite(a) || is_zero(a)) return a;
  Number floor = round_to_integer(float_value(b, kHalfFormat), Rounding::down);
  // Beyond that, every result is an overflow or an underflow anyway.
  const int power = static_cast<int>(std::min<Wide>(floor.magnitude, 100));
  Number scaled = float_value(a, kHalfFormat);
  scaled.exponent += floor.negative ? -power : power;
  return half_of(scaled, rounding);
}

Half half_exponent(Half a) {
  if (is_nan(a)) return quiet(a);
  if (is_infinite(a)) return kInfinity;
  if (is_zero(a)) return 0x8000 | kInfinity;
  const int exponent = exponent_of(a);
  return half_of({exponent < 0, static_cast<Wide>(std::abs(exponent)), 0, false}, Rounding::nearest_even);
}

Half half_mantissa(Half a, MantissaInterval interval, unsigned sign_control) {
  if (is_nan(a)) return quiet(a);
  const bool negative = is_negative(a) && !is_zero(a);
  if (negative && (sign_control & 2) != 0) return kDefaultNan;
  const Half sign = (sign_control & 1) != 0 ? 0 : a & 0x8000;
  constexpr Half kOne = 0x3c00;
  constexpr Half kHalf = 0x3800;
  if (is_zero(a) || is_infinite(a)) return sign | kOne;
  // The leading bit shifted to where normal numbers have theirs, which drops it.
  const Number value = float_value(magnitude_of(a), kHalfFormat);
  const int shift = value.exponent + kHalfFormat.fraction_bits - exponent_of(a);
  const auto fraction = static_cast<Half>((value.magnitude << shift) & 0x3ff);
  const bool odd = (exponent_of(a) & 1) != 0;
  const bool upper = (fraction & 0x200) != 0;
  const bool below_one = interval == MantissaInterval::half_to_one ||
                         (interval == MantissaInterval::half_to_two && odd) ||
                         (interval == MantissaInterval::three_quarters && upper);
  return sign | (below_one ? kHalf : kOne) | fraction;
}

Half half_round(Half a, int fraction_bits, Rounding rounding) {
  if (is_nan(a)) return quiet(a);
  if (is_infinite(a)) return a;
  Number scaled = float_value(a, kHalfFormat);
  scaled.exponent += fraction_bits;
  Number integer = scaled.exponent < 0 ? round_to_integer(scaled, rounding) : scaled;
  integer.exponent -= fraction_bits;
  return half_of(integer, rounding);
}

Half half_reduce(Half a, int fraction_bits, Rounding rounding) {
  if (is_nan(a)) return quiet(a);
  if (is_infinite(a)) return 0;
  return half_subtract(a, half_round(a, fraction_bits, rounding), rounding);
}

unsigned half_class(Half a) {
  constexpr Half kQuietBit = 0x200;
  const bool negative = is_negative(a);
  if (is_nan(a)) return (a & kQuietBit) != 0 ? kQuietNan : kSignalingNan;
  if (is_zero(a)) return negative ? kNegativeZero : kPositiveZero;
  if (is_infinite(a)) return negative ? kNegativeInfinity : kPositiveInfinity;
  const unsigned denormal = magnitude_of(a) < 0x400 ? kDenormal : 0u;
  return denormal | (negative ? kNegativeFinite : 0u);
}

}  // namespace burin::emulation
