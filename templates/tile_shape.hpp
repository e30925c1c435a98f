// How large AMX tiles are (Intel SDM, volume 1, chapter 18).
#pragma once

#include <array>

namespace burin::kernels {

// Most rows of a tile, and most bytes of its rows.
inline constexpr int kTileRows = 16;
inline constexpr int kTileRowBytes = 64;

struct TileShape {
  int rows = kTileRows;
  int row_bytes = kTileRowBytes;
  bool of_activations = true;  // has as many rows as there are, if they are fewer
};

// Eight tiles, tmm0 first.
using TileShapes = std::array<TileShape, 8>;

}  // namespace burin::kernels
