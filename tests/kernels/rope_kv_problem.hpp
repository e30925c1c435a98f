// Heads that a GEMM makes of made-up rows, rotates and stores, and the same by plain arithmetic.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/gemm/gemm_spec.hpp"
#include "tests/kernels/prepared_rows.hpp"
#include "tests/kernels/stored_heads.hpp"
#include "tests/kernels/sum_tolerance.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/packed_matrix.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {

// One call's operands in guarded memory, and the same result by plain arithmetic.
class RopeKvProblem {
 public:
  RopeKvProblem(const GemmSpec& spec, std::int64_t rows, std::int64_t position)
      : spec_(spec),
        rows_(rows),
        position_(position),
        random_(static_cast<std::uint64_t>(spec.heads.head_size * 100 + rows)),
        packed_(spec.weights, spec.inputs, merged_sources(spec.heads), random_),
        layout_(activation_rows(spec.activation, spec.inputs, spec.weights)),
        input_(static_cast<std::size_t>(input_stride() * rows) * 4),
        activations_(static_cast<std::size_t>(layout_.row_bytes * rows)),
        bias_(static_cast<std::size_t>(spec.columns) * 4, 4),
        scratch_(most_gemm_scratch_bytes(spec)),
        stored_(spec.heads, rows, position, spec.output_stride, random_) {
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t i = 0; i < spec_.inputs; ++i)
        input_.as<float>()[row * input_stride() + i] = random_.value();
    const std::vector<bool> real = tests::merged_columns(spec.heads);
    for (std::size_t i = 0; i < real.size(); ++i)
      if (spec.bias && real[i]) bias_.as<float>()[i] = random_.value();
  }

  void check(const jit::Target& target) {
    SCOPED_TRACE(jit::spec_text(spec_) + " rows " + std::to_string(rows_) + " position " +
                 std::to_string(position_) + " target " + target.name);
    run(target);
    for (std::int64_t row = 0; row < rows_; ++row) {
      compute_sums(row);
      stored_.check_row(row, sums_, tolerance(target));
    }
    stored_.check_the_rest();
  }

 private:
  // Columns that fill up blocks and heads have no weights.
  static std::vector<ColumnSource> merged_sources(const HeadLayout& heads) {
    const std::vector<bool> real = tests::merged_columns(heads);
    std::vector<ColumnSource> columns(real.size());
    for (std::size_t i = 0; i < real.size(); ++i)
      if (real[i]) columns[i].row = static_cast<std::int32_t>(i);
    return columns;
  }

  std::int64_t input_stride() const { return layout_.padded; }

  // Two calls share the blocks, as threads do.
  void run(const jit::Target& target) {
    GemmArguments arguments;
    arguments.weights = packed_.bytes();
    arguments.activations = activations_.as();
    arguments.output = stored_.output();
    arguments.bias = bias_.as<float>();
    arguments.rows = rows_;
    arguments.input = input_.as<float>();
    arguments.kv = stored_.kv();
    arguments.scratch = scratch_.as();
    if (spec_.regime == GemmRegime::tiles)
      prepare_rows(spec_.weights, layout_, rows_, input_.as<float>(), input_stride(), target,
                   activations_.as());
    const jit::CodeImage image = emit_gemm(spec_, target);
    for (const std::int64_t first : {std::int64_t{0}, packed_.blocks() / 2}) {
      arguments.first_block = first;
      arguments.last_block = first == 0 ? packed_.blocks() / 2 : packed_.blocks();
      tests::run_kernel(image, arguments);
    }
  }

  void compute_sums(std::int64_t row) {
    const std::vector<double> a = row_values(layout_, activations_.as() + row * layout_.row_bytes);
    sums_.clear();
    squares_ = largest_weight_squares_ = 0;
    for (const double value : a) squares_ += value * value;
    for (std::int64_t column = 0; column < spec_.columns; ++column) {
      auto sum = static_cast<double>(bias_.as<float>()[column]);
      double weight_squares = 0;
      for (std::int64_t i = 0; i < spec_.inputs; ++i) {
        const double weight = multiplied_weight(packed_, spec_.activation, i, column);
        sum += a[static_cast<std::size_t>(i)] * weight;
        weight_squares += weight * weight;
      }
      sums_.push_back(sum);
      largest_weight_squares_ = std::max(largest_weight_squares_, weight_squares);
    }
  }

  // Of sums of at most 40 products of at most 0.1, and a bias of at most 1; f16 sums, two of which rotate as a pair, are
  // rounded besides.
  double tolerance(const jit::Target& target) const {
    return 3e-6 + rounding_of_f16_sums(spec_, target) * std::sqrt(2 * squares_ * largest_weight_squares_);
  }

  GemmSpec spec_;
  std::int64_t rows_;
  std::int64_t position_;
  tests::RandomValues random_;
  tests::PackedMatrix packed_;
  ActivationRows layout_;
  tests::GuardedBuffer input_;
  tests::GuardedBuffer activations_;
  tests::GuardedBuffer bias_;
  tests::GuardedBuffer scratch_;
  tests::StoredHeads stored_;
  std::vector<double> sums_;  // of the row that is looked at, and the lengths behind its tolerance
  double squares_ = 0;
  double largest_weight_squares_ = 0;
};

}  // namespace burin::kernels
