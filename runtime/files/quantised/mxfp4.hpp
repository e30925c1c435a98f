// MXFP4: codes of e2m1 under one power of two per 32 inputs.
#pragma once

#include <string>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

// compressed-tensors' layout of a matrix of N outputs and K inputs:
//
//   LAYER.weight_packed  [N, K / 2] of U8    two codes a byte, the first in the low nibble
//   LAYER.weight_scale   [N, K / 32] of U8   x stands for 2^(x - 127)
QuantisedMatrix mxfp4_matrix(const Checkpoint& checkpoint, const std::string& layer);

}  // namespace burin::runtime::quantised
