// A dequant-GEMM of made-up rows and weights, by a kernel and in plain double arithmetic: all epilogues but rope_kv
// (rope_kv_problem.hpp).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "tests/kernels/prepared_rows.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/kernels/sum_tolerance.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/packed_matrix.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {

class GemmProblem {
 public:
  // Columns and strides of the spec are made those of `columns` columns that have weights.
  GemmProblem(const GemmSpec& spec, std::int64_t columns, std::int64_t rows)
      : spec_(with_columns(spec, columns)),
        columns_(columns),
        rows_(rows),
        random_(static_cast<std::uint64_t>(spec.inputs * 1000 + columns + rows)),
        packed_(spec.weights, spec.inputs, columns, random_),
        layout_(activation_rows(spec.activation, spec.inputs, spec.weights)),
        stride_((layout_.padded + 31) / 32 * 32) {
    for (std::int64_t m = 0; m < rows; ++m)
      for (std::int64_t k = 0; k < spec.inputs; ++k) input_.as<float>()[m * stride_ + k] = random_.value();
    for (std::int64_t k = 0; k < spec.inputs; ++k) {
      norm_weight_.as<float>()[k] = 1 + 0.5f * random_.value();
      norm_bias_.as<float>()[k] = 0.2f * random_.value();
    }
    fill(output_);
    before_.assign(output_.as<float>(), output_.as<float>() + output_.size() / 4);
    for (std::int64_t m = 0; m < rows; ++m) {
      numbers_.as<std::int32_t>()[m] = static_cast<std::int32_t>(output_row(m));
      factors_.as<float>()[m] = random_.value();
    }
    std::memset(scratch_.as(), 0xff, scratch_.size());
    fill(residual_);
    bias_ = random_.values(static_cast<std::size_t>(spec_.columns));
  }

  void check(const jit::Target& target) {
    SCOPED_TRACE(jit::spec_text(spec_) + " rows " + std::to_string(rows_) + " target " + target.name);
    run(target);
    for (std::int64_t m = 0; m < rows_; ++m) check_row(m, target);
    if (scatters()) check_other_rows();
  }

  void set_input(std::int64_t row, std::int64_t input, float value) {
    input_.as<float>()[row * stride_ + input] = value;
  }
  void set_row(std::int64_t row, float value) {
    std::fill_n(input_.as<float>() + row * stride_, spec_.inputs, value);
  }
  // As check, where a number of this row is not finite: then none of its outputs is.
  void check_spoilt(std::int64_t row, const jit::Target& target) {
    check_all_but(row, target);
    for (std::int64_t column = 0; column < columns_; ++column)
      ASSERT_FALSE(std::isfinite(output_.as<float>()[output_row(row) * spec_.output_stride + column]))
          << jit::spec_text(spec_) << " target " << target.name << " column " << column;
  }

  // As the last kernel left them.
  std::vector<float> outputs() const {
    return {output_.as<float>(), output_.as<float>() + output_.size() / 4};
  }

 private:
  // As check, for the rows before `row` and behind it; what this one's outputs are is not looked at.
  void check_all_but(std::int64_t row, const jit::Target& target) {
    SCOPED_TRACE(jit::spec_text(spec_) + " rows " + std::to_string(rows_) + " target " + target.name);
    run(target);
    for (std::int64_t m = 0; m < rows_; ++m)
      if (m != row) check_row(m, target);
  }

  static constexpr float kEpsilon = 1e-5f;
  static constexpr float kLimit = 1.5f;  // of clamped gates: within the sums' range
  static constexpr float kSlope = 1.702f;
  static constexpr float kFactor = -0.75f;

  static GemmSpec with_columns(GemmSpec spec, std::int64_t columns) {
    spec.columns = (columns + 31) / 32 * 32;
    spec.output_stride = halves_columns(spec.epilogue) ? spec.columns / 2 : spec.columns;
    return spec;
  }
  bool is_tiles() const { return spec_.regime == GemmRegime::tiles; }
  // Every other row of a larger output, from the last one back.
  bool scatters() const { return spec_.epilogue == GemmEpilogue::add_scaled && is_tiles(); }
  std::int64_t output_rows() const { return scatters() ? 2 * rows_ : rows_; }
  std::int64_t output_row(std::int64_t m) const { return scatters() ? 2 * (rows_ - m) - 1 : m; }

  void fill(const tests::GuardedBuffer& buffer) {
    for (std::size_t i = 0; i < buffer.size() / 4; ++i) buffer.as<float>()[i] = random_.value();
  }

  void run(const jit::Target& target) const {
    GemmArguments arguments;
    arguments.weights = packed_.bytes();
    arguments.activations = prepared_.as();
    arguments.output = output_.as<float>();
    arguments.residual = residual_.as<float>();
    arguments.bias = bias_.data();
    arguments.rows = rows_;
    arguments.last_block = packed_.blocks();
    arguments.input = input_.as<float>();
    arguments.norm_weight = norm_weight_.as<float>();
    arguments.norm_bias = norm_bias_.as<float>();
    arguments.epsilon = kEpsilon;
    arguments.limit = kLimit;
    arguments.slope = kSlope;
    arguments.factors = factors_.as<float>();
    arguments.scratch = scratch_.as();
    if (scatters()) arguments.output_rows = numbers_.as<std::int32_t>();
    arguments.factor = spec_.scaled ? kFactor : std::numeric_limits<float>::quiet_NaN();
    if (is_tiles())
      prepare_rows(spec_.weights, layout_, rows_, input_.as<float>(), stride_, target, prepared_.as());
    tests::run_kernel(emit_gemm(spec_, target), arguments);
  }

  void check_row(std::int64_t m, const jit::Target& target) const {
    const std::vector<double> a = row_values(layout_, prepared_.as() + m * layout_.row_bytes);
    const std::vector<double> exact = tests::normed_row(
        spec_.norm, {input_.as<float>() + m * stride_, static_cast<std::size_t>(spec_.inputs)},
        norm_weight_.as<float>(), norm_bias_.as<float>(), kEpsilon);
    double norm = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      norm += exact[i] * exact[i];
      ASSERT_NEAR(a[i], exact[i], preparation_tolerance()) << "row " << m << " input " << i;
    }
    double weight_norm = 0;
    const std::vector<double> sums = sums_of(a, weight_norm);
    const double tolerance = sum_tolerance(spec_, target, norm, weight_norm);
    for (std::int64_t c = 0; c < spec_.output_stride; ++c)
      ASSERT_NEAR(static_cast<double>(output_.as<float>()[output_row(m) * spec_.output_stride + c]),
                  expected(sums, m, c), tolerance)
          << "row " << m << " column " << c;
  }

  // Of an activation, none of which is larger than 4: half a step of the scale, or its rounding.
  double preparation_tolerance() const {
    constexpr double kLargest = 4.0;
    switch (spec_.activation) {
      case Activation::s8:
      case Activation::s8row: return kLargest / 127 * 0.51;
      case Activation::bf16: return kLargest / 512;
      case Activation::f16: return kLargest / 4096;
      case Activation::f32: return 1e-5;
    }
    return 0;
  }

  // Of all columns, with bias and factor; `largest_norm` becomes the largest squared length of a column.
  std::vector<double> sums_of(const std::vector<double>& a, double& largest_norm) const {
    std::vector<double> sums;
    for (std::int64_t c = 0; c < spec_.columns; ++c) {
      double sum = 0;
      double squares = 0;
      for (std::int64_t k = 0; k < spec_.inputs; ++k) {
        const double w = multiplied_weight(packed_, spec_.activation, k, c);
        sum += w * a[static_cast<std::size_t>(k)];
        squares += w * w;
      }
      largest_norm = std::max(largest_norm, squares);
      if (spec_.bias) sum += static_cast<double>(bias_[static_cast<std::size_t>(c)]);
      sums.push_back(spec_.scaled ? sum * static_cast<double>(kFactor) : sum);
    }
    return sums;
  }

  // What the epilogue makes of them at column c of the output.
  double expected(const std::vector<double>& sums, std::int64_t m, std::int64_t c) const {
    const auto at = static_cast<std::size_t>(c);
    const auto gate = static_cast<std::size_t>(c / 16 * 32 + c % 16);
    switch (spec_.epilogue) {
      case GemmEpilogue::add:
        return sums[at] + static_cast<double>(residual_.as<float>()[m * spec_.output_stride + c]);
      case GemmEpilogue::activate: return tests::activated(spec_.function, sums[at]);
      case GemmEpilogue::gate: return tests::activated(spec_.function, sums[gate]) * sums[gate + 16];
      case GemmEpilogue::clamped_gate: return clamped_product(sums[gate], sums[gate + 16]);
      case GemmEpilogue::add_scaled:
        return static_cast<double>(
                   before_[static_cast<std::size_t>(output_row(m) * spec_.output_stride + c)]) +
               static_cast<double>(factors_.as<float>()[m]) * sums[at];
      case GemmEpilogue::store:
      case GemmEpilogue::rope_kv: break;
    }
    return sums[at];
  }

  static double clamped_product(double gate, double up) {
    const double limit = static_cast<double>(kLimit);
    const double g = std::min(gate, limit);
    return g / (1 + std::exp(-static_cast<double>(kSlope) * g)) * (std::clamp(up, -limit, limit) + 1);
  }

  void check_other_rows() const {
    for (std::int64_t row = 0; row < output_rows(); row += 2)
      for (std::int64_t place = row * spec_.output_stride; place < (row + 1) * spec_.output_stride; ++place)
        ASSERT_EQ(output_.as<float>()[place], before_[static_cast<std::size_t>(place)]) << "row " << row;
  }

  static tests::GuardedBuffer floats(std::int64_t count) {
    return tests::GuardedBuffer(static_cast<std::size_t>(count) * 4, 4);
  }

  GemmSpec spec_;
  std::int64_t columns_;  // that have weights
  std::int64_t rows_;
  tests::RandomValues random_;
  tests::PackedMatrix packed_;
  ActivationRows layout_;
  std::int64_t stride_;
  tests::GuardedBuffer input_ = floats(stride_ * rows_);
  tests::GuardedBuffer norm_weight_ = tests::GuardedBuffer(static_cast<std::size_t>(layout_.padded) * 4);
  tests::GuardedBuffer norm_bias_ = tests::GuardedBuffer(static_cast<std::size_t>(layout_.padded) * 4);
  tests::GuardedBuffer prepared_ = tests::GuardedBuffer(static_cast<std::size_t>(layout_.row_bytes * rows_));
  tests::GuardedBuffer scratch_ = tests::GuardedBuffer(most_gemm_scratch_bytes(spec_));
  tests::GuardedBuffer output_ = floats(spec_.output_stride * output_rows());
  tests::GuardedBuffer residual_ = floats(spec_.output_stride * rows_);
  tests::GuardedBuffer numbers_ = floats(rows_);
  tests::GuardedBuffer factors_ = floats(rows_);
  std::vector<float> before_;
  std::vector<float> bias_;
};

}  // namespace burin::kernels
