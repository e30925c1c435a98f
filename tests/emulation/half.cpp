#include "tests/emulation/half.hpp"

#include "tests/emulation/number.hpp"

namespace burin::emulation {
namespace {

// Every finite FP16 is a multiple of its smallest denormal, 2^-24, and below 2^16: all of them are integers
// of 40 bits on that grid, products are integers of 80 bits at 2^-48, and nothing is lost before the one
// rounding.
constexpr int kGrid = -24;

SignedWide on_grid(Half h) {
  const Number value = float_value(h, kHalfFormat);
  const auto magnitude = static_cast<SignedWide>(value.magnitude << (value.exponent - kGrid));
  return value.negative ? -magnitude : magnitude;
}

Half sign_bit(bool negative) { return negative ? 0x8000 : 0; }

Half round_exact(SignedWide value, int exponent, bool negative_zero, Rounding rounding) {
  Number number;
  number.negative = value != 0 ? value < 0 : negative_zero;
  number.magnitude = static_cast<Wide>(value < 0 ? -value : value);
  number.exponent = exponent;
  return half_of(number, rounding);
}

// The sign of a sum that is exactly zero (IEEE 754, section 6.3): that of
// both operands where they agree, else positive, but negative when rounding down.
bool zero_sum_sign(bool a_negative, bool b_negative, Rounding rounding) {
  return a_negative == b_negative ? a_negative : rounding == Rounding::down;
}

// Of a number below 2^106.
Wide floor_of_root(Wide square) {
  Wide root = 0;
  for (int bit = 52; bit >= 0; --bit) {
    const Wide trial = root | Wide{1} << bit;
    if (trial * trial <= square) root = trial;
  }
  return root;
}

Half first_nan(Half a, Half b) { return quiet(is_nan(a) ? a : b); }

}  // namespace

Half half_add(Half a, Half b, Rounding rounding) {
  if (is_nan(a) || is_nan(b)) return first_nan(a, b);
  if (is_infinite(a) && is_infinite(b)) return a == b ? a : kDefaultNan;
  if (is_infinite(a)) return a;
  if (is_infinite(b)) return b;
  return round_exact(on_grid(a) + on_grid(b), kGrid, zero_sum_sign(is_negative(a), is_negative(b), rounding),
                     rounding);
}

Half half_subtract(Half a, Half b, Rounding rounding) {
  if (is_nan(a) || is_nan(b)) return first_nan(a, b);
  return half_add(a, b ^ 0x8000, rounding);
}

Half half_multiply(Half a, Half b, Rounding rounding) {
  if (is_nan(a) || is_nan(b)) return first_nan(a, b);
  const bool negative = is_negative(a) != is_negative(b);
  if (is_infinite(a) || is_infinite(b))
    return is_zero(a) || is_zero(b) ? kDefaultNan : sign_bit(negative) | kInfinity;
  return round_exact(on_grid(a) * on_grid(b), 2 * kGrid, negative, rounding);
}

Half half_divide(Half a, Half b, Rounding rounding) {
  if (is_nan(a) || is_nan(b)) return first_nan(a, b);
  const Half sign = sign_bit(is_negative(a) != is_negative(b));
  if (is_infinite(a)) return is_infinite(b) ? kDefaultNan : sign | kInfinity;
  if (is_infinite(b)) return sign;
  if (is_zero(b)) return is_zero(a) ? kDefaultNan : sign | kInfinity;
  // 40 bits below the point: 16 more than any result keeps.
  constexpr int kFractionBits = 40;
  const auto dividend = static_cast<Wide>(on_grid(magnitude_of(a))) << kFractionBits;
  const auto divisor = static_cast<Wide>(on_grid(magnitude_of(b)));
  return half_of({sign != 0, dividend / divisor, -kFractionBits, dividend % divisor != 0}, rounding);
}

Half half_square_root(Half a, Rounding rounding) {
  if (is_nan(a)) return quiet(a);
  if (is_zero(a)) return a;
  if (is_negative(a)) return kDefaultNan;
  if (is_infinite(a)) return a;
  // sqrt(v * 2^-24) = sqrt(v * 2^40) * 2^-32, and the smallest is 2^-12: 20 bits at least.
  const auto square = static_cast<Wide>(on_grid(a)) << 40;
  const Wide root = floor_of_root(square);
  return half_of({false, root, -32, root * root != square}, rounding);
}

Half half_reciprocal(Half a) {
  constexpr Half kOne = 0x3c00;
  return half_divide(kOne, a, Rounding::nearest_even);
}

Half half_reciprocal_square_root(Half a) {
  if (is_nan(a)) return quiet(a);
  if (is_zero(a)) return sign_bit(is_negative(a)) | kInfinity;
  if (is_negative(a)) return kDefaultNan;
  if (is_infinite(a)) return 0;
  // 1 / sqrt(v * 2^-24) = sqrt(2^104 / v) * 2^-40; the smallest is 2^-8. The floor of the quotient has the
  // same floor of the root.
  const auto divisor = static_cast<Wide>(on_grid(a));
  const Wide square = (Wide{1} << 104) / divisor;
  const Wide root = floor_of_root(square);
  return half_of({false, root, -40, root * root * divisor != Wide{1} << 104}, Rounding::nearest_even);
}

Half half_max(Half a, Half b) {
  if (is_nan(a) || is_nan(b) || (is_zero(a) && is_zero(b))) return b;
  return half_compare(a, b) == kGreater ? a : b;
}

Half half_min(Half a, Half b) {
  if (is_nan(a) || is_nan(b) || (is_zero(a) && is_zero(b))) return b;
  return half_compare(a, b) == kLess ? a : b;
}

Half half_fused(Half x, Half y, Half z, FusedSigns signs, Rounding rounding) {
  if (is_nan(x) || is_nan(y)) return first_nan(x, y);
  if (is_nan(z)) return quiet(z);
  const bool product_negative = (is_negative(x) != is_negative(y)) != signs.negate_product;
  const Half addend = signs.negate_addend ? z ^ 0x8000 : z;
  if (is_infinite(x) || is_infinite(y)) {
    if (is_zero(x) || is_zero(y)) return kDefaultNan;
    if (is_infinite(z) && is_negative(addend) != product_negative) return kDefaultNan;
    return sign_bit(product_negative) | kInfinity;
  }
  if (is_infinite(z)) return addend;
  const SignedWide product = on_grid(x) * on_grid(y);
  const SignedWide sum = (signs.negate_product ? -product : product) + (on_grid(addend) << -kGrid);
  return round_exact(sum, 2 * kGrid, zero_sum_sign(product_negative, is_negative(addend), rounding),
                     rounding);
}

HalfOrder half_compare(Half a, Half b) {
  if (is_nan(a) || is_nan(b)) return kUnordered;
  const int left = is_negative(a) ? -magnitude_of(a) : magnitude_of(a);
  const int right = is_negative(b) ? -magnitude_of(b) : magnitude_of(b);
  return left < right ? kLess : left == right ? kEqual : kGreater;
}

bool half_predicate(Half a, Half b, unsigned predicate) {
  // The upper 16 predicates differ in which NaNs signal, which shows in MXCSR only.
  static constexpr unsigned kTrue[16] = {
      kEqual,                                 // EQ_OQ
      kLess,                                  // LT_OS
      kLess | kEqual,                         // LE_OS
      kUnordered,                             // UNORD_Q
      kLess | kGreater | kUnordered,          // NEQ_UQ
      kEqual | kGreater | kUnordered,         // NLT_US
      kGreater | kUnordered,                  // NLE_US
      kLess | kEqual | kGreater,              // ORD_Q
      kEqual | kUnordered,                    // EQ_UQ
      kLess | kUnordered,                     // NGE_US
      kLess | kEqual | kUnordered,            // NGT_US
      0,                                      // FALSE_OQ
      kLess | kGreater,                       // NEQ_OQ
      kEqual | kGreater,                      // GE_OS
      kGreater,                               // GT_OS
      kLess | kEqual | kGreater | kUnordered  // TRUE_UQ
  };
  return (kTrue[predicate & 15] & half_compare(a, b)) != 0;
}

std::uint32_t half_to_single(Half h) {
  const std::uint32_t sign = std::uint32_t{is_negative(h)} << 31;
  if (is_nan(h)) return sign | 0x7fc00000u | static_cast<std::uint32_t>(h & 0x3ffu) << 13;
  if (is_infinite(h)) return sign | 0x7f800000u;
  return static_cast<std::uint32_t>(
      round_to_float(float_value(h, kHalfFormat), kSingleFormat, Rounding::nearest_even));
}

}  // namespace burin::emulation
