// An operation on made-up rows, by a kernel and in plain double arithmetic.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/rowwise/rowwise_spec.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {

inline constexpr float kRowConstant = 1.5f;

inline std::int64_t padded_row(std::int64_t width) { return (width + 31) / 32 * 32; }

inline double expected_of_row(const RowwiseSpec& spec, double x, double other, double normed) {
  const auto constant = static_cast<double>(kRowConstant);
  switch (spec.operation) {
    case RowOperation::norm: return normed;
    case RowOperation::activate: return tests::activated(spec.function, x);
    case RowOperation::add: return x + other;
    case RowOperation::multiply: return x * other;
    case RowOperation::scale: return constant * x;
    case RowOperation::clip: return std::clamp(x, -constant, constant);
    case RowOperation::soft_cap: return constant * std::tanh(x / constant);
  }
  return 0;
}

inline void check_rowwise(const RowwiseSpec& spec, const jit::Target& target) {
  constexpr float kEpsilon = 1e-5f;
  constexpr std::int64_t kRows = 3;
  constexpr float kUntouched = 12345.0f;
  SCOPED_TRACE(jit::spec_text(spec) + " target " + target.name);
  const auto rows_of = [&](std::int64_t stride) {
    return tests::GuardedBuffer(static_cast<std::size_t>(stride * (kRows - 1) + padded_row(spec.width)) * 4,
                                4);
  };
  const tests::GuardedBuffer input = rows_of(spec.input_stride);
  const tests::GuardedBuffer other = rows_of(spec.other_stride);
  const tests::GuardedBuffer output = rows_of(spec.output_stride);
  const tests::GuardedBuffer weight(static_cast<std::size_t>(padded_row(spec.width)) * 4, 4);
  const tests::GuardedBuffer bias(weight.size(), 4);
  std::fill_n(output.as<float>(), output.size() / 4, kUntouched);
  tests::RandomValues random(static_cast<std::uint64_t>(spec.width));
  for (std::int64_t i = 0; i < spec.width; ++i) {
    weight.as<float>()[i] = 1 + 0.5f * random.value();
    bias.as<float>()[i] = random.value();
    for (std::int64_t row = 0; row < kRows; ++row) {
      input.as<float>()[row * spec.input_stride + i] = 4 * random.value();
      other.as<float>()[row * spec.other_stride + i] = random.value();
    }
  }
  RowwiseArguments arguments;
  arguments.input = input.as<float>();
  arguments.other = other.as<float>();
  arguments.output = output.as<float>();
  arguments.norm_weight = weight.as<float>();
  arguments.norm_bias = bias.as<float>();
  arguments.rows = kRows;
  arguments.epsilon = kEpsilon;
  arguments.constant = kRowConstant;
  tests::run_kernel(emit_rowwise(spec, target), arguments);

  for (std::int64_t row = 0; row < kRows; ++row) {
    const float* x = input.as<float>() + row * spec.input_stride;
    const float* y = output.as<float>() + row * spec.output_stride;
    const std::vector<double> normed = tests::normed_row(spec.norm, {x, static_cast<std::size_t>(spec.width)},
                                                         weight.as<float>(), bias.as<float>(), kEpsilon);
    for (std::int64_t i = 0; i < spec.width; ++i)
      ASSERT_NEAR(static_cast<double>(y[i]),
                  expected_of_row(spec, static_cast<double>(x[i]),
                                  static_cast<double>(other.as<float>()[row * spec.other_stride + i]),
                                  normed[static_cast<std::size_t>(i)]),
                  4e-6)
          << "row " << row << " value " << i;
    for (std::int64_t i = spec.width; i < padded_row(spec.width); ++i)
      ASSERT_EQ(y[i], 0.0f) << "padding of row " << row << " at " << i;
    if (row + 1 < kRows) {
      ASSERT_EQ(y[padded_row(spec.width)], kUntouched) << "behind row " << row;
    }
  }
}

}  // namespace burin::kernels
