// The codes of 32 inputs (see packing.hpp), written and read: bit planes, or pairs of fp8 numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "templates/formats/packing.hpp"

namespace burin::kernels {

inline constexpr int kStep = 32;  // inputs whose codes lie together

// Bytes of 32 inputs of 32 columns.
constexpr int step_code_bytes(int bits) { return kStep * kBlockColumns * bits / 8; }

// Where the 32 codes of each column are.
using ColumnCodes = std::array<const std::uint8_t*, kBlockColumns>;

void store_codes(const WeightFormat& format, const ColumnCodes& columns, std::byte* step);
// `input` is 0..31.
int load_code(const WeightFormat& format, const std::byte* step, int input, int column);

}  // namespace burin::kernels
