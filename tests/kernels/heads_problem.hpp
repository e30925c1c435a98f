// Made-up heads between projection and cache: what a kernel stores of them, and what plain double arithmetic does.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/heads/heads_spec.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/kernels/stored_heads.hpp"

namespace burin::kernels {

class HeadsProblem {
 public:
  HeadsProblem(const HeadsSpec& spec, std::int64_t rows, std::int64_t position)
      : spec_(spec),
        rows_(rows),
        real_(tests::merged_columns(spec.heads)),
        random_(static_cast<std::uint64_t>(spec.heads.head_size * 100 + rows)),
        input_(static_cast<std::size_t>(spec.input_stride * (rows - 1) + spec.heads.blocks() * 32) * 4, 4),
        weight_(static_cast<std::size_t>(normed_columns()) * 4, 4),
        bias_(weight_.size(), 4),
        stored_(spec.heads, rows, position, spec.output_stride, random_) {
    for (std::size_t i = 0; i < real_.size(); ++i) {
      for (std::int64_t row = 0; row < rows; ++row)
        if (real_[i])
          input_.as<float>()[row * spec.input_stride + static_cast<std::int64_t>(i)] = 2 * random_.value();
      if (!real_[i] || i >= static_cast<std::size_t>(normed_columns())) continue;
      weight_.as<float>()[i] = 1 + 0.5f * random_.value();
      bias_.as<float>()[i] = random_.value();
    }
  }

  void check(const jit::Target& target) const {
    SCOPED_TRACE(jit::spec_text(spec_) + " rows " + std::to_string(rows_) + " target " + target.name);
    HeadsArguments arguments;
    tests::set_rows(arguments, input_, weight_, bias_, rows_, stored_);
    arguments.epsilon = kEpsilon;
    arguments.limit = kLimit;
    // Cuts fall within heads where they may.
    tests::run_in_shares(emit_heads(spec_, target), arguments, spec_.heads.blocks(), 3,
                         [&](std::int64_t block) { return spec_.heads.next_share(block); });
    for (std::int64_t row = 0; row < rows_; ++row) stored_.check_row(row, expected(row), kTolerance);
    stored_.check_the_rest();
  }

 private:
  std::int64_t normed_columns() const {
    return std::int64_t{spec_.heads.query_blocks() + spec_.heads.key_blocks()} * 32;
  }

  std::vector<double> expected(std::int64_t row) const {
    const float* input = input_.as<float>() + row * spec_.input_stride;
    std::vector<double> values(input, input + real_.size());
    if (spec_.clip)
      for (double& value : values)
        value = std::clamp(value, -static_cast<double>(kLimit), static_cast<double>(kLimit));
    const std::int64_t head = spec_.heads.query_head_columns();
    const std::int64_t queries = std::int64_t{spec_.heads.query_blocks()} * 32;
    for (std::int64_t first = 0; first < normed_columns();) {
      const std::int64_t part_end = first < queries ? queries : normed_columns();
      const std::int64_t last = spec_.unit == HeadNormUnit::head ? first + head : part_end;
      norm_unit(input, first, last, values);
      first = last;
    }
    return values;
  }

  // Padding is no part of what is normalised.
  void norm_unit(const float* input, std::int64_t first, std::int64_t last,
                 std::vector<double>& values) const {
    if (spec_.norm == RowNorm::none) return;
    std::vector<float> x, weight, bias;
    std::vector<std::size_t> places;
    for (std::int64_t i = first; i < last; ++i) {
      if (!real_[static_cast<std::size_t>(i)]) continue;
      places.push_back(static_cast<std::size_t>(i));
      x.push_back(input[i]);
      weight.push_back(weight_.as<float>()[i]);
      bias.push_back(bias_.as<float>()[i]);
    }
    const std::vector<double> normed = tests::normed_row(spec_.norm, x, weight.data(), bias.data(), kEpsilon);
    for (std::size_t i = 0; i < places.size(); ++i) values[places[i]] = normed[i];
  }

  static constexpr float kEpsilon = 1e-5f;
  static constexpr float kLimit = 0.5f;
  static constexpr double kTolerance = 4e-6;

  HeadsSpec spec_;
  std::int64_t rows_;
  std::vector<bool> real_;
  tests::RandomValues random_;
  tests::GuardedBuffer input_;
  tests::GuardedBuffer weight_;
  tests::GuardedBuffer bias_;
  tests::StoredHeads stored_;
};

}  // namespace burin::kernels
