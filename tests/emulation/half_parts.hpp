// FP16 taken apart: exponents, mantissas, fractions, classes.
#pragma once

#include "tests/emulation/half.hpp"

namespace burin::emulation {

// a * 2^floor(b), with the table of VSCALEFPH.
Half half_scale(Half a, Half b, Rounding rounding);

// floor(log2(|a|)), as VGETEXPPH.
Half half_exponent(Half a);

// VGETMANTPH: a divided by the power of two that brings |a| into the interval, [3/4, 3/2) for three_quarters.
// Bit 0 of `sign_control` clears the sign, bit 1 makes a NaN of negative numbers.
enum class MantissaInterval : unsigned {
  one_to_two = 0,
  half_to_two = 1,
  half_to_one = 2,
  three_quarters = 3
};
Half half_mantissa(Half a, MantissaInterval interval, unsigned sign_control);

// To a multiple of 2^-fraction_bits.
Half half_round(Half a, int fraction_bits, Rounding rounding);
// What half_round takes away.
Half half_reduce(Half a, int fraction_bits, Rounding rounding);

// The classes that VFPCLASSPH tells apart, by the bits of its immediate. A normal positive number has none.
enum HalfClass : unsigned {
  kQuietNan = 1,
  kPositiveZero = 2,
  kNegativeZero = 4,
  kPositiveInfinity = 8,
  kNegativeInfinity = 16,
  kDenormal = 32,
  kNegativeFinite = 64,
  kSignalingNan = 128,
};
unsigned half_class(Half a);

}  // namespace burin::emulation
