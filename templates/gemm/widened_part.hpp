// Blocks of weights widened to bf16, a part of their inputs at a time, for kernels with bf16 activations.
//
// A widened part has the layout of packed bf16 weights (templates/formats/packing.hpp): pairs of inputs in the dwords
// of 32 columns, which is what vdpbf16ps takes, and rows of AMX tiles:
//
//   [inputs 0, 1: column 0 | column 1 | ... | column 31]  128 bytes
//   [inputs 2, 3: ...                                 ]
//
// Inputs behind the packed ones are zeros up to a multiple of 32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "templates/formats/packing.hpp"
#include "templates/gemm/gemm_spec.hpp"

namespace burin::kernels {

struct GemmContext;

inline constexpr int kWidenedPairBytes = kBlockColumns * 4;  // of two inputs
inline constexpr int kFloatStep =
    8;  // inputs of float formats that are read at once; they are padded to so many
inline constexpr int kWidenedStep = 32;  // inputs are filled up to a multiple of it

// Inputs that rows are multiplied with: those packed, and zeros.
std::int64_t widened_inputs(const PackedShape& packed);
std::size_t widened_bytes(std::int64_t inputs);

// bf16 weights are read as they are packed, but where zeros are missing.
bool must_be_widened(const WeightFormat& weights, const PackedShape& packed);

// Emits the widening of r.groups_left units (WeightValues) from r.weights on to r.row, both of which it leaves behind
// what it read and wrote, and zeros behind them. AVX-512 only. r.free and r.scales are overwritten.
void emit_widened_part(const GemmContext& context);

}  // namespace burin::kernels
