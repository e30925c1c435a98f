// How weights look that a kernel has unpacked for all of its rows at once.
//
// Widened to bf16 or f16, as activations are (widened_part.hpp): as packed bf16 weights are (templates/formats/packing.hpp),
// pairs of inputs in the dwords of 32 columns, which is what vdpbf16ps takes, and rows of AMX tiles:
//
//   [inputs 0, 1: column 0 | column 1 | ... | column 31]  128 bytes
//   [inputs 2, 3: ...                                  ]
//
// Inputs behind the packed ones are zeros up to a multiple of 32.
//
// As bytes, for int8 activations on AMX (int8_part.hpp): one activation group (activation_rows.hpp) after the other,
//
//   [inputs 0..3: column 0 | column 1 | ... | column 31]  128 bytes: a row of two AMX tiles
//   [inputs 4..7: ...                                  ]
//   ...
//   [32 f32 scales][32 f32 minimums]                      minimums of asymmetric formats only
//
// where bytes are codes less the zero point, signed; of asymmetric formats codes as they are, unsigned.
#pragma once

#include <cstddef>
#include <cstdint>

#include "templates/formats/packing.hpp"
#include "templates/gemm/gemm_spec.hpp"

namespace burin::kernels {

inline constexpr int kWidenedPairBytes = kBlockColumns * 4;  // of two inputs
inline constexpr int kWidenedStep = 32;                      // inputs are filled up to a multiple of it
inline constexpr int kInt8QuadBytes = kBlockColumns * 4;     // of four inputs

// Inputs that rows are multiplied with: those packed, and zeros.
std::int64_t widened_inputs(const PackedShape& packed);
std::size_t widened_bytes(std::int64_t inputs);
// bf16 weights are multiplied with bf16 rows as they are packed, but where zeros are missing.
bool must_be_widened(const GemmSpec& spec, const PackedShape& packed);

int int8_group_bytes(const GemmSpec& spec);
std::size_t int8_part_bytes(const GemmSpec& spec, int inputs);

}  // namespace burin::kernels
