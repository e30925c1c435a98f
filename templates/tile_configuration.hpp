// The shapes of a kernel's AMX tiles (Intel SDM, volume 1, chapter 18).
#pragma once

#include <array>
#include <cstdint>

#include "jit/assembler.hpp"

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

// Bytes of stack that emit_tile_configuration needs, at a multiple of 64.
inline constexpr int kTileConfigurationBytes = 64;

// Emits ldtilecfg of the shapes, of which those of activations get min(rows, 16) rows; `rows`, at least 1, is a
// register. rax and vector register 0 are overwritten. The kernel must end with tilerelease.
void emit_tile_configuration(jit::Assembler& a, const TileShapes& shapes, int stack,
                             const Xbyak::Reg64& rows);

}  // namespace burin::kernels
