// The arithmetic of the AMX products.
#pragma once

#include <cstdint>

#include "tests/emulation/tiles.hpp"

namespace burin::emulation {

enum class TileProduct : std::uint8_t { s8_s8, s8_u8, u8_s8, u8_u8, bf16, fp16 };

// c += a * b; shapes as multiply() in amx.cpp has checked them.
void multiply_tiles(TileProduct product, Tile& c, const Tile& a, const Tile& b);

}  // namespace burin::emulation
