// Conversions between formats of numbers, with one rounding.
#pragma once

#include <cstdint>

#include "tests/emulation/rounding.hpp"

namespace burin::emulation {

enum class NumberType : std::uint8_t { fp16, fp32, fp64, s16, u16, s32, u32, s64, u64 };

int bytes_of(NumberType type);

// The bits of `value` in another format. NaNs become quiet and keep the top of their fraction. What an
// integer can't hold gives the "integer indefinite": the smallest signed, the largest unsigned number.
// Denormals are kept.
std::uint64_t convert(std::uint64_t value, NumberType from, NumberType to, Rounding rounding);

// A denormal becomes a zero of its sign, as under MXCSR.DAZ.
std::uint64_t without_denormal(std::uint64_t value, NumberType type);

}  // namespace burin::emulation
