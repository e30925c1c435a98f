// 256 consecutive inputs of one column of a two-level format, before they are packed.
#pragma once

#include <cstdint>

#include "templates/formats/float16.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

// Groups are 16 or 32 inputs: there are 16 or 8 of them. A value is group_scale * (code - zero code), and
// less group_minimum where the format is asymmetric.
struct Superblock {
  std::uint8_t codes[kSuperblock];
  std::int8_t scales[kSuperblock / 16];
  std::uint8_t minimums[kSuperblock / 16];
  std::uint16_t scale;    // f16 bits
  std::uint16_t minimum;  // f16 bits, positive: it is subtracted

  float group_scale(int group) const { return f16_to_f32(scale) * static_cast<float>(scales[group]); }
  float group_minimum(int group) const { return f16_to_f32(minimum) * static_cast<float>(minimums[group]); }
};

}  // namespace burin::kernels
