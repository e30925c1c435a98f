// Codes of a block unpacked to bytes, a part of the inputs at a time, for int8 products on AMX.
//
// One activation group (activation_rows.hpp) after the other:
//
//   [inputs 0..3: column 0 | column 1 | ... | column 31]  128 bytes: a row of two AMX tiles
//   [inputs 4..7: ...                                  ]
//   ...
//   [32 f32 scales][32 f32 minimums]                      minimums of asymmetric formats only
//
// Bytes are codes less the zero point, signed; of asymmetric formats codes as they are, unsigned.
#pragma once

#include <cstddef>

#include "templates/gemm/gemm_spec.hpp"

namespace burin::kernels {

struct GemmContext;

inline constexpr int kInt8QuadBytes = 32 * 4;  // of four inputs

int int8_group_bytes(const GemmSpec& spec);
std::size_t int8_part_bytes(const GemmSpec& spec, int inputs);

// Emits the unpacking of r.groups_left groups or superblocks from r.weights on to r.row, both of which it leaves behind
// what it read and wrote. AVX-512 only. r.free and r.scales are overwritten.
void emit_int8_part(const GemmContext& context);

}  // namespace burin::kernels
