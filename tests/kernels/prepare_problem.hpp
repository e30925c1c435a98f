// Rows of given activations as a kernel prepares them, held against what templates/activation_rows.hpp says.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/formats/float16.hpp"
#include "templates/prepare/prepare_spec.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {

// Inputs of all rows, and what the kernel made of them.
class PrepareProblem {
 public:
  // values(row, input) are the activations.
  template <typename Values>
  PrepareProblem(const PrepareSpec& spec, std::int64_t rows, Values values)
      : spec_(spec),
        layout_(activation_rows(spec.activation, spec.inputs, spec.weights)),
        count_(rows),
        input_(static_cast<std::size_t>((layout_.padded + kGap) * rows - kGap) * 4, 4),
        norm_weight_(static_cast<std::size_t>(layout_.padded) * 4, 4),
        norm_bias_(static_cast<std::size_t>(layout_.padded) * 4, 4),
        numbers_(static_cast<std::size_t>(rows) * 4, 4),
        output_(static_cast<std::size_t>(layout_.row_bytes * rows)) {
    spec_.input_stride = layout_.padded + kGap;
    std::fill_n(input_.as<float>(), input_.size() / 4, std::numeric_limits<float>::quiet_NaN());
    tests::RandomValues random(static_cast<std::uint64_t>(spec.inputs));
    for (std::int64_t i = 0; i < spec.inputs; ++i) {
      norm_weight_.as<float>()[i] = 1 + 0.5f * random.value();
      norm_bias_.as<float>()[i] = 0.5f * random.value();
    }
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t i = 0; i < layout_.padded; ++i)
        input_.as<float>()[row * spec_.input_stride + i] = i < spec.inputs ? values(row, i) : 0.0f;
    for (std::int64_t row = 0; row < rows; ++row)
      numbers_.as<std::int32_t>()[row] = static_cast<std::int32_t>(source(row));
    std::memset(output_.as(), 0xee, output_.size());
  }

  void run(const jit::Target& target) {
    name_ = jit::spec_text(spec_) + " target " + target.name;
    PrepareArguments arguments = {input_.as<float>(),     output_.as(), norm_weight_.as<float>(),
                                  norm_bias_.as<float>(), count_,       kEpsilon};
    if (spec_.gather) arguments.numbers = numbers_.as<std::int32_t>();
    tests::run_kernel(emit_prepare(spec_, target), arguments);
  }

  const ActivationRows& layout() const { return layout_; }
  float value_f32(std::int64_t row, std::int64_t i) const { return read<float>(row, i * 4); }
  float scale(std::int64_t row, std::int64_t group) const {
    return read<float>(row, layout_.scales_groups() ? group_at(group) + kGroupScale : layout_.value_bytes());
  }
  std::int8_t code(std::int64_t row, std::int64_t i) const {
    return read<std::int8_t>(row, group_at(i / layout_.group) + layout_.header_bytes() + i % layout_.group);
  }

  // The row after the norm, in double arithmetic; zero past the inputs.
  std::vector<double> expected(std::int64_t row) const {
    const float* input = input_.as<float>() + source(row) * spec_.input_stride;
    std::vector<double> y = tests::normed_row(spec_.norm, {input, static_cast<std::size_t>(spec_.inputs)},
                                              norm_weight_.as<float>(), norm_bias_.as<float>(), kEpsilon);
    y.resize(static_cast<std::size_t>(layout_.padded));
    return y;
  }

  void check() const {
    SCOPED_TRACE(name_);
    for (std::int64_t row = 0; row < count_; ++row) {
      SCOPED_TRACE("row " + std::to_string(row));
      if (!is_int8(spec_.activation))
        check_floats(row);
      else
        for (std::int64_t group = 0; group < layout_.groups(); ++group) check_group(row, group);
    }
  }

 private:
  // Of a prepared row: gathered ones come from the last one back.
  std::int64_t source(std::int64_t row) const { return spec_.gather ? count_ - 1 - row : row; }

  template <typename Value>
  Value read(std::int64_t row, std::int64_t byte) const {
    Value value;
    std::memcpy(&value, output_.as() + row * layout_.row_bytes + byte, sizeof(value));
    return value;
  }
  std::int64_t group_at(std::int64_t group) const { return group * layout_.group_bytes(); }
  // Of a value the norm made; the last digits of denormals are fewer. Where a mean is taken off, small values
  // are differences of larger ones.
  double rounding(double value, const std::vector<double>& row) const {
    if (spec_.norm == RowNorm::none) return 0;
    if (spec_.norm == RowNorm::layer)
      for (const double other : row) value = std::max(std::fabs(value), std::fabs(other));
    return 4e-7 * std::fabs(value) + 4e-45;
  }

  void check_floats(std::int64_t row) const {
    const std::vector<double> y = expected(row);
    if (spec_.activation == Activation::f16) check_factor(row, y);
    for (std::size_t i = 0; i < y.size(); ++i)
      ASSERT_NEAR(value(row, static_cast<std::int64_t>(i)), y[i], rounding(y[i], y) + half_a_step(row, y[i]))
          << "input " << i;
  }

  // Of a row of floats.
  double value(std::int64_t row, std::int64_t i) const {
    switch (spec_.activation) {
      case Activation::bf16: return static_cast<double>(bf16_to_f32(read<std::uint16_t>(row, i * 2)));
      case Activation::f16:
        return static_cast<double>(f16_to_f32(read<std::uint16_t>(row, i * 2))) * f16_factor(row);
      case Activation::f32:
      case Activation::s8:
      case Activation::s8row: break;
    }
    return static_cast<double>(value_f32(row, i));
  }
  double f16_factor(std::int64_t row) const {
    return static_cast<double>(read<float>(row, layout_.value_bytes()));
  }
  // Steps are of 8 bits or 11, f16 ones never below that of denormals. AVX512-BF16 makes zeros of denormals.
  double half_a_step(std::int64_t row, double value) const {
    switch (spec_.activation) {
      case Activation::bf16:
        return std::fabs(value) < 0x1p-126 ? std::fabs(value) : 0x1p-8 * std::fabs(value);
      case Activation::f16: return std::max(0x1p-11 * std::fabs(value), 0x1p-25 * f16_factor(row));
      case Activation::f32:
      case Activation::s8:
      case Activation::s8row: break;
    }
    return 0;
  }

  // A power of two, 16 to 32 times below the largest magnitude; of rows that vanish, whatever is finite.
  void check_factor(std::int64_t row, const std::vector<double>& y) const {
    double largest = 0;
    for (const double value : y) largest = std::max(largest, std::fabs(value));
    int exponent = 0;
    ASSERT_EQ(std::frexp(f16_factor(row), &exponent), 0.5) << "factor of row " << row;
    if (largest < 1e-30) return;
    ASSERT_GE(largest / f16_factor(row), 16 * (1 - 4e-7));
    ASSERT_LE(largest / f16_factor(row), 32 * (1 + 4e-7));
  }

  void check_group(std::int64_t row, std::int64_t group) const {
    const std::vector<double> y = expected(row);
    const std::int64_t first = group * layout_.group;
    const auto scaled =
        layout_.scales_groups()
            ? std::span(y).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(layout_.group))
            : std::span(y);
    double largest = 0;  // of those that share the scale
    for (const double value : scaled) largest = std::max(largest, std::fabs(value));
    const auto step = static_cast<double>(scale(row, group));
    ASSERT_NEAR(step, largest / 127, largest / 127 * 2e-7 + rounding(largest / 127, y) + 1e-45)
        << "scale of group " << group;
    int sum = 0;
    for (std::int64_t i = first; i < first + layout_.group; ++i) {
      // A nearest code, give or take what rounding the scale moves at the far end. Groups that are smaller
      // than 1e-30 altogether may lose precision.
      ASSERT_NEAR(step * code(row, i), y[static_cast<std::size_t>(i)],
                  step * 0.5001 + (largest < 1e-30 ? largest : 0) + rounding(0, y))
          << "input " << i;
      sum += code(row, i);
    }
    if (spec_.weights.symmetric)
      ASSERT_EQ(read<std::int32_t>(row, group_at(group)), -spec_.weights.zero_point() * sum)
          << "group " << group;
    else
      ASSERT_EQ(read<float>(row, group_at(group)),
                (layout_.scales_groups() ? scale(row, group) : 1) * static_cast<float>(sum))
          << "group " << group;
  }

  static constexpr float kEpsilon = 1e-5f;
  static constexpr std::int64_t kGap = 5;  // NaNs between the rows' padding and the next row

  PrepareSpec spec_;
  ActivationRows layout_;
  std::int64_t count_;
  tests::GuardedBuffer input_;
  tests::GuardedBuffer norm_weight_;
  tests::GuardedBuffer norm_bias_;
  tests::GuardedBuffer numbers_;
  tests::GuardedBuffer output_;
  std::string name_;
};

}  // namespace burin::kernels
