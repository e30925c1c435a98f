// The grids of GGUF's IQ2, IQ3 and IQ1 types: each index stands for the magnitudes of 8 or 4 neighbouring
// values. They are constants of the format, chosen by its author from the points of a lattice; no rule gives
// them. Source: ggml, src/ggml-common.h (https://github.com/ggml-org/ggml: iq2xxs_grid .. iq1s_grid).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace burin::kernels {

// Digits, not values:
//   iq2    0, 1, 2 stand for 8, 25, 43
//   iq3    0 .. 7 stand for 4, 12, 20, 28, 36, 44, 52, 62 (XXS) or 1, 3, 5 .. 15 (S)
//   iq1    0, 1, 2 stand for -1, 0, 1
template <std::size_t digits>
using GridEntry = std::array<std::uint8_t, digits>;

const GridEntry<8>& iq2_xxs_entry(unsigned index);  // 0 .. 255
const GridEntry<8>& iq2_xs_entry(unsigned index);   // 0 .. 511
const GridEntry<8>& iq2_s_entry(unsigned index);    // 0 .. 1023
const GridEntry<4>& iq3_xxs_entry(unsigned index);  // 0 .. 255
const GridEntry<4>& iq3_s_entry(unsigned index);    // 0 .. 511
const GridEntry<8>& iq1_entry(unsigned index);      // 0 .. 2047

}  // namespace burin::kernels
