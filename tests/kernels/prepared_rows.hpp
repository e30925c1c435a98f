// Prepared activation rows: made by a prepare kernel, read back as numbers.
#pragma once

#include <cstring>
#include <vector>

#include "templates/formats/float16.hpp"
#include "templates/prepare/prepare_spec.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/packed_matrix.hpp"

namespace burin::kernels {

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
    const std::byte* group = row + i / rows.group * rows.group_bytes();
    float scale;
    std::memcpy(&scale, group + 4, sizeof(scale));
    const auto code = static_cast<std::int8_t>(group[8 + i % rows.group]);
    values[static_cast<std::size_t>(i)] = static_cast<double>(scale) * code;
  }
  return values;
}

// The weight that it is multiplied with: of bf16 activations, rounded to bf16.
inline double multiplied_weight(const tests::PackedMatrix& packed, Activation activation, std::int64_t input,
                                std::int64_t column) {
  const float value = packed.value(input, column);
  return static_cast<double>(activation == Activation::bf16 ? bf16_to_f32(f32_to_bf16(value)) : value);
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
