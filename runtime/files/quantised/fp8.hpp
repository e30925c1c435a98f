// FP8 weights (E4M3 or E5M2: Micikevicius et al., FP8 Formats for Deep Learning, 2022), with scales.
#pragma once

#include <string>
#include <string_view>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

// LAYER.weight [N, K] and its scales, of F32, F16 or BF16, which multiply: one; one per output, [N] or [N, 1]; or one
// per block of outputs and inputs, whose size quantization_config.weight_block_size tells. Codes and scales are held as
// they are, one scale per output and group of inputs.
QuantisedMatrix fp8_matrix(const Checkpoint& checkpoint, const std::string& layer, std::string_view scales);

}  // namespace burin::runtime::quantised
