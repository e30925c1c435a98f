// Emits the widening of weights to bf16 or f16 (unpacked_shape.hpp), a part of a block's inputs at a time.
#pragma once

#include "templates/gemm/unpacked_shape.hpp"

namespace burin::kernels {

struct GemmContext;

// Widens r.groups_left units (WeightValues) from r.weights on to r.row, both of which it leaves behind what it read and
// wrote, with zeros behind them. AVX-512 only. r.free and r.scales are overwritten.
void emit_widened_part(const GemmContext& context);

}  // namespace burin::kernels
