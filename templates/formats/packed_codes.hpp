// The bit planes of 32 inputs of an integer format (see packing.hpp), written and read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "templates/formats/packing.hpp"

namespace burin::kernels {

inline constexpr int kStep = 32;  // inputs whose planes lie together

// Bytes of 32 inputs of 32 columns.
constexpr int step_code_bytes(int bits) { return kStep * kBlockColumns * bits / 8; }

// Where the 32 codes of each column are.
using ColumnCodes = std::array<const std::uint8_t*, kBlockColumns>;

void store_codes(int bits, const ColumnCodes& columns, std::byte* step);
// `input` is 0..31.
int load_code(int bits, const std::byte* step, int input, int column);

}  // namespace burin::kernels
