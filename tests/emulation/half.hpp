// Arithmetic of FP16 with one exact rounding, in integers: it depends on no floating-point unit and no MXCSR.
#pragma once

#include <cstdint>

#include "tests/emulation/number.hpp"
#include "tests/emulation/rounding.hpp"

namespace burin::emulation {

// The bits of an FP16: sign, 5 bits of exponent (bias 15), 10 of fraction.
using Half = std::uint16_t;

// A NaN operand is the result, made quiet: the first of two or three. Invalid operations give the default
// NaN, which is negative (SDM volume 1, sections 4.8.3.5 and 4.8.3.7).
constexpr Half kDefaultNan = 0xfe00;
constexpr Half kInfinity = 0x7c00;

constexpr bool is_negative(Half h) { return (h & 0x8000u) != 0; }
constexpr Half magnitude_of(Half h) { return h & 0x7fff; }
constexpr bool is_nan(Half h) { return magnitude_of(h) > kInfinity; }
constexpr bool is_infinite(Half h) { return magnitude_of(h) == kInfinity; }
constexpr bool is_zero(Half h) { return magnitude_of(h) == 0; }
inline Half half_of(const Number& number, Rounding rounding) {
  return static_cast<Half>(round_to_float(number, kHalfFormat, rounding));
}
constexpr Half quiet(Half nan) { return nan | 0x0200; }

Half half_add(Half a, Half b, Rounding rounding);
Half half_subtract(Half a, Half b, Rounding rounding);
Half half_multiply(Half a, Half b, Rounding rounding);
Half half_divide(Half a, Half b, Rounding rounding);
Half half_square_root(Half a, Rounding rounding);
// Of VRCPPH and VRSQRTPH the SDM promises a relative error below 2^-11 + 2^-14: the nearest FP16 keeps that,
// and a CPU may give its neighbour.
Half half_reciprocal(Half a);
Half half_reciprocal_square_root(Half a);
// The second operand if either is NaN or both are zeros (SDM, VMAXPH and VMINPH).
Half half_max(Half a, Half b);
Half half_min(Half a, Half b);

// x * y + z with the signs of product and addend as told, in the order of SDM volume 1, table 14-18: the
// first NaN among x, y, z is the result.
struct FusedSigns {
  bool negate_product;
  bool negate_addend;
};
Half half_fused(Half x, Half y, Half z, FusedSigns signs, Rounding rounding);

// Less, equal, greater or unordered, as bits that combine into the predicates of VCMPPH.
enum HalfOrder : unsigned { kLess = 1, kEqual = 2, kGreater = 4, kUnordered = 8 };
HalfOrder half_compare(Half a, Half b);
// One of the 32 predicates (SDM volume 2, VCMPPD, table 3-1).
bool half_predicate(Half a, Half b, unsigned predicate);

// The bits of the float of the same value.
std::uint32_t half_to_single(Half h);

}  // namespace burin::emulation
