// The weight formats that kernels are tested with.
#pragma once

#include <vector>

#include "templates/formats/weight_format.hpp"

namespace burin::tests {

// Every kind and table, every number of bits in both schemes, every size of group and type of scale.
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
  // Two-level scales: GGUF's K-quants, then the widest of either group.
  for (const char* text : {"int2a.g16.two", "int3s.g16.two", "int4a.g32.two", "int5a.g32.two",
                           "int6s.g16.two", "int8a.g16.two", "int7s.g32.two"})
    formats.push_back(kernels::parse_weight_format(text));
  // Tables, with each kind of scale that stored types or quantising on load give them.
  for (const char* text :
       {"iq4nl.g32.f16", "iq4nl.g32.two", "e2m1.g32.e8m0", "e2m1.g64.bf16", "nf4.g64.f32", "nf4.g32.two",
        "fp4.g128.f16", "iq2.g32.two", "iq2.g16.two", "iq3xxs.g32.two", "iq3s.g32.two", "iq1.g16.two"})
    formats.push_back(kernels::parse_weight_format(text));
  for (const char* text :
       {"e4m3.g32.f16", "e4m3.g128.f32", "e4m3.g32.e8m0", "e5m2.g64.bf16", "e5m2.g128.f32", "e5m2.g32.e8m0"})
    formats.push_back(kernels::parse_weight_format(text));
  // Groups of 16, of which two lie together; one group for all inputs; NVFP4.
  for (const char* text : {"int4s.g16.f16", "int8a.g16.f32", "int3s.g16.bf16", "e2m1.g16.e4m3", "nf4.g16.f32",
                           "iq4nl.g16.f16", "e4m3.g16.f32", "e5m2.g16.f16", "int4s.row.f16", "int5a.row.bf16",
                           "int8s.row.f32", "nf4.row.f32", "iq4nl.row.f16", "e4m3.row.f32", "e5m2.row.bf16",
                           "int4s.g1024.f16", "e4m3.g256.f16", "int4a.g160.f16"})
    formats.push_back(kernels::parse_weight_format(text));
  return formats;
}

}  // namespace burin::tests
