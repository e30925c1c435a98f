// The weight formats that kernels are tested with.
#pragma once

#include <vector>

#include "templates/formats/weight_format.hpp"

namespace burin::tests {

// Every kind, every number of bits in both schemes, every size of group and type of scale.
inline std::vector<kernels::WeightFormat> all_formats() {
  using kernels::ScaleType;
  using kernels::WeightFormat;
  using kernels::WeightKind;
  std::vector<WeightFormat> formats;
  for (const WeightKind kind : {WeightKind::f32, WeightKind::f16, WeightKind::bf16})
    formats.push_back(WeightFormat::float_format(kind));
  for (int bits = 1; bits <= 8; ++bits)
    for (const bool symmetric : {true, false})
      formats.push_back(WeightFormat::integer_format(bits, symmetric, 32, ScaleType::f16));
  for (const int group : {64, 128, 256, 512})
    formats.push_back(WeightFormat::integer_format(4, group != 128, group, ScaleType::bf16));
  formats.push_back(WeightFormat::integer_format(8, true, 32, ScaleType::f32));
  return formats;
}

}  // namespace burin::tests
