// The GPTQ layout: what AutoGPTQ and GPTQModel write, and AutoRound too.
// Source: https://github.com/ModelCloud/GPTQModel (nn_modules/qlinear), checked against the tools' files.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/files/quantised/checkpoint.hpp"

namespace burin::runtime::quantised {

struct GptqSettings {
  int bits = 4;
  std::int64_t group = 128;     // -1: all inputs
  bool zeros_minus_one = true;  // stored zero points are one less than they mean (v1)
  bool input_groups = false;    // g_idx must be there (desc_act)
};

// bits as kernels and the layout have them: 2, 3, 4 or 8.
int gptq_bits(const graph::ConfigReader& settings);

// LAYER.qweight, .qzeros, .scales and, if there is one, .g_idx.
QuantisedMatrix gptq_matrix(const Checkpoint& checkpoint, const std::string& layer,
                            const GptqSettings& settings);

}  // namespace burin::runtime::quantised
