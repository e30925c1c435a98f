// Prepared activation rows: made by a prepare kernel, read back as numbers.
#pragma once

#include <cstring>
#include <vector>

#include "templates/formats/float16.hpp"
#include "templates/prepare/prepare_spec.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/packed_matrix.hpp"

namespace burin::kernels {

// What the numbers of an f16 or s8row row are to be multiplied with.
inline float row_factor(const ActivationRows& rows, const std::byte* row) {
  float factor;
  std::memcpy(&factor, row + rows.value_bytes(), sizeof(factor));
  return factor;
}

// What a prepared row stands for.
inline std::vector<double> row_values(const ActivationRows& rows, const std::byte* row) {
  std::vector<double> values(static_cast<std::size_t>(rows.padded));
  for (std::int64_t i = 0; i < rows.padded; ++i) {
    if (rows.type == Activation::f32) {
      values[static_cast<std::size_t>(i)] = static_cast<double>(reinterpret_cast<const float*>(row)[i]);
      continue;
    }
    if (rows.type == Activation::bf16) {
      values[static_cast<std::size_t>(i)] =
          static_cast<double>(bf16_to_f32(reinterpret_cast<const std::uint16_t*>(row)[i]));
      continue;
    }
    if (rows.type == Activation::f16) {
      values[static_cast<std::size_t>(i)] =
          static_cast<double>(f16_to_f32(reinterpret_cast<const std::uint16_t*>(row)[i])) *
          static_cast<double>(row_factor(rows, row));
      continue;
    }
    const std::byte* group = row + i / rows.group * rows.group_bytes();
    float scale;
    std::memcpy(&scale, rows.scales_groups() ? group + kGroupScale : row + rows.value_bytes(), sizeof(scale));
    const auto code = static_cast<std::int8_t>(group[rows.header_bytes() + i % rows.group]);
    values[static_cast<std::size_t>(i)] = static_cast<double>(scale) * code;
  }
  return values;
}

// The weight that it is multiplied with: of bf16 and f16 activations, rounded to their type. Under factors of columns,
// products of a code and a scale have so few digits that nothing is rounded.
inline double multiplied_weight(const tests::PackedMatrix& packed, Activation activation, std::int64_t input,
                                std::int64_t column) {
  const float value = packed.value(input, column);
  if (packed.format().has_factors()) return static_cast<double>(value);
  switch (activation) {
    case Activation::bf16: return static_cast<double>(bf16_to_f32(f32_to_bf16(value)));
    case Activation::f16: return static_cast<double>(f16_to_f32(f32_to_f16(value)));
    case Activation::f32:
    case Activation::s8:
    case Activation::s8row: break;
  }
  return static_cast<double>(value);
}

// `count` rows of input, `stride` floats apart, without norm.
inline void prepare_rows(const WeightFormat& format, const ActivationRows& rows, std::int64_t count,
                         const float* input, std::int64_t stride, const jit::Target& target, std::byte* out) {
  PrepareSpec spec;
  spec.inputs = rows.inputs;
  spec.weights = format;
  spec.activation = rows.type;
  spec.input_stride = stride;
  const PrepareArguments arguments = {input, out, nullptr, nullptr, count, 0};
  tests::run_kernel(emit_prepare(spec, target), arguments);
}

}  // namespace burin::kernels
