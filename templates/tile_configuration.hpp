// Emits the configuration of a kernel's AMX tiles.
#pragma once

#include "jit/assembler.hpp"
#include "templates/tile_shape.hpp"

namespace burin::kernels {

// Bytes of stack that emit_tile_configuration needs, at a multiple of 64.
inline constexpr int kTileConfigurationBytes = 64;

// Emits ldtilecfg of the shapes, of which those of activations get min(rows, 16) rows; `rows`, at least 1, is a
// register. rax and vector register 0 are overwritten. The kernel must end with tilerelease.
void emit_tile_configuration(jit::Assembler& a, const TileShapes& shapes, int stack,
                             const Xbyak::Reg64& rows);

}  // namespace burin::kernels
