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

// The natural formats of GGUF's K-quants: all widths, schemes and groups that two-level scales come with in files.
inline std::vector<kernels::WeightFormat> two_level_formats() {
  std::vector<kernels::WeightFormat> formats;
  for (const char* text :
       {"int4a.g32.two", "int5a.g32.two", "int6s.g16.two", "int3s.g16.two", "int2a.g16.two"})
    formats.push_back(kernels::parse_weight_format(text));
  return formats;
}

}  // namespace burin::tests
