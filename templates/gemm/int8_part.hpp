// Emits the unpacking of codes to bytes (unpacked_shape.hpp), a part of a block's inputs at a time.
#pragma once

#include "templates/gemm/unpacked_shape.hpp"

namespace burin::kernels {

struct GemmContext;

// Unpacks r.groups_left groups or superblocks from r.weights on to r.row, both of which it leaves behind what it read and
// wrote. AVX-512 only. r.free and r.scales are overwritten.
void emit_int8_part(const GemmContext& context);

}  // namespace burin::kernels
