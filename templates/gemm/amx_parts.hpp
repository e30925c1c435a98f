// How AMX kernels cut the inputs of a block into parts, which they unpack to their scratch (amx_loops.hpp).
#pragma once

#include <cstddef>

#include "templates/gemm/gemm_spec.hpp"

namespace burin::kernels {

// Rows and blocks whose sums are kept while the parts of the inputs are gone through.
inline constexpr int kAmxRows = 512;
inline constexpr int kAmxBlocks = 8;
// Fewer rows with int8 activations are not worth unpacking weights for, and fill no tile.
inline constexpr int kAmxLeastInt8Rows = 16;

struct AmxParts {
  int unit_inputs = 0;    // of a group, a superblock, or 8 of floats
  int unit_bytes = 0;     // as packed
  int units = 0;          // of a part
  int last_units = 0;     // of the last one
  int count = 0;          // of parts
  std::size_t bytes = 0;  // of an unpacked part, a multiple of 64

  int inputs() const { return units * unit_inputs; }
};
// Of kernels with bf16, f16 or int8 activations.
AmxParts amx_parts(const GemmSpec& spec);

}  // namespace burin::kernels
