// NVFP4: codes of e2m1 under one E4M3 scale per 16 inputs, and one number for the whole matrix.
#pragma once

#include <string>
#include <string_view>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

// Of a matrix of N outputs and K inputs:
//
//   codes   [N, K / 2] of U8         two codes a byte, the first in the low nibble
//   scales  [N, K / 16] of F8_E4M3
//   whole   [] or [1] of F32         what all scales are multiplied with, or divided by
struct Nvfp4Names {
  std::string_view codes, scales, whole;  // behind the layer's name
  bool divides;
};
inline constexpr Nvfp4Names kModeloptNvfp4 = {".weight", ".weight_scale", ".weight_scale_2", false};
inline constexpr Nvfp4Names kCompressedNvfp4 = {".weight_packed", ".weight_scale", ".weight_global_scale",
                                                true};

// Held as e2m1.g16.e4m3, what the file has.
QuantisedMatrix nvfp4_matrix(const Checkpoint& checkpoint, const std::string& layer, const Nvfp4Names& names);

}  // namespace burin::runtime::quantised
