// Every operation on rows x width x target against plain double arithmetic.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/rowwise/rowwise_spec.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

using tests::GuardedBuffer;
using tests::RandomValues;

constexpr float kEpsilon = 1e-5f;
constexpr float kConstant = 1.5f;
constexpr std::int64_t kRows = 3;
constexpr float kUntouched = 12345.0f;

std::int64_t padded(std::int64_t width) { return (width + 31) / 32 * 32; }

std::vector<RowwiseSpec> all_operations(std::int64_t width) {
  std::vector<RowwiseSpec> specs;
  const auto add = [&](RowOperation operation) -> RowwiseSpec& {
    specs.push_back({operation, RowNorm::none, ActivationFunction::none, width, padded(width) + 32,
                     padded(width), padded(width) + 5});
    return specs.back();
  };
  for (const RowOperation operation : {RowOperation::add, RowOperation::multiply, RowOperation::scale,
                                       RowOperation::clip, RowOperation::soft_cap})
    add(operation);
  for (const RowNorm norm : {RowNorm::rms, RowNorm::layer}) add(RowOperation::norm).norm = norm;
  for (const ActivationFunction function : tests::kActivationFunctions)
    add(RowOperation::activate).function = function;
  return specs;
}

double expected_value(const RowwiseSpec& spec, double x, double other, double normed) {
  const auto constant = static_cast<double>(kConstant);
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

void check(const RowwiseSpec& spec, const jit::Target& target) {
  SCOPED_TRACE(jit::spec_text(spec) + " target " + target.name);
  const auto rows_of = [&](std::int64_t stride) {
    return GuardedBuffer(static_cast<std::size_t>(stride * (kRows - 1) + padded(spec.width)) * 4, 4);
  };
  const GuardedBuffer input = rows_of(spec.input_stride);
  const GuardedBuffer other = rows_of(spec.other_stride);
  const GuardedBuffer output = rows_of(spec.output_stride);
  const GuardedBuffer weight(static_cast<std::size_t>(padded(spec.width)) * 4, 4);
  const GuardedBuffer bias(weight.size(), 4);
  std::fill_n(output.as<float>(), output.size() / 4, kUntouched);
  RandomValues random(static_cast<std::uint64_t>(spec.width));
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
  arguments.constant = kConstant;
  tests::run_kernel(emit_rowwise(spec, target), arguments);

  for (std::int64_t row = 0; row < kRows; ++row) {
    const float* x = input.as<float>() + row * spec.input_stride;
    const float* y = output.as<float>() + row * spec.output_stride;
    const std::vector<double> normed = tests::normed_row(spec.norm, {x, static_cast<std::size_t>(spec.width)},
                                                         weight.as<float>(), bias.as<float>(), kEpsilon);
    for (std::int64_t i = 0; i < spec.width; ++i)
      ASSERT_NEAR(static_cast<double>(y[i]),
                  expected_value(spec, static_cast<double>(x[i]),
                                 static_cast<double>(other.as<float>()[row * spec.other_stride + i]),
                                 normed[static_cast<std::size_t>(i)]),
                  4e-6)
          << "row " << row << " value " << i;
    for (std::int64_t i = spec.width; i < padded(spec.width); ++i)
      ASSERT_EQ(y[i], 0.0f) << "padding of row " << row << " at " << i;
    if (row + 1 < kRows) {
      ASSERT_EQ(y[padded(spec.width)], kUntouched) << "behind row " << row;
    }
  }
}

TEST(Rowwise, MatchesReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const std::int64_t width : {1, 31, 32, 33, 200})
      for (const RowwiseSpec& spec : all_operations(width)) check(spec, target);
}

TEST(Rowwise, NoRowsTouchNothing) {
  for (const jit::Target& target : tests::host_targets())
    for (const RowwiseSpec& spec : all_operations(40)) {
      const RowwiseArguments nothing;  // null pointers
      tests::run_kernel(emit_rowwise(spec, target), nothing);
    }
}

TEST(Rowwise, RefusesWhatMakesNoSense) {
  RowwiseSpec spec;
  spec.operation = RowOperation::norm;
  EXPECT_THROW(emit_rowwise(spec, jit::host_target()), Error);
  spec.operation = RowOperation::add;
  spec.function = ActivationFunction::silu;
  EXPECT_THROW(emit_rowwise(spec, jit::host_target()), Error);
}

}  // namespace
}  // namespace burin::kernels
