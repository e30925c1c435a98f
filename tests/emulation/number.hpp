// Exact numbers between formats, and the one place that rounds.
#pragma once

#include <cstdint>

#include "tests/emulation/rounding.hpp"

namespace burin::emulation {

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

// (-1)^negative * magnitude * 2^exponent; `inexact`: a bit more than that, by less than 2^exponent.
struct Number {
  bool negative = false;
  Wide magnitude = 0;
  int exponent = 0;
  bool inexact = false;
};

// IEEE 754 binary formats: sign, exponent, fraction, from the top.
struct FloatFormat {
  int exponent_bits;
  int fraction_bits;
};
constexpr FloatFormat kHalfFormat{5, 10};
constexpr FloatFormat kSingleFormat{8, 23};
constexpr FloatFormat kDoubleFormat{11, 52};

// The nearest float in the direction of `rounding`, as bits: denormals are kept, overflow gives infinity or
// the largest number, zero keeps its sign. An inexact number must have two bits more than the result keeps.
std::uint64_t round_to_float(const Number& number, FloatFormat format, Rounding rounding);

// To an integer; the exponent of the result is 0 and it is exact.
Number round_to_integer(const Number& number, Rounding rounding);

// The value of a finite float.
Number float_value(std::uint64_t bits, FloatFormat format);

}  // namespace burin::emulation
