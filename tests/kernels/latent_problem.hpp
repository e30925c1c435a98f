// Made-up rows between projections and cache of latent attention: what a kernel stores, and what plain double
// arithmetic does.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "templates/latent/latent_spec.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/kernels/stored_heads.hpp"

namespace burin::kernels {

class LatentProblem {
 public:
  LatentProblem(const LatentSpec& spec, std::int64_t rows, std::int64_t position)
      : spec_(spec),
        rows_(rows),
        random_(static_cast<std::uint64_t>(spec.latent * 100 + rows)),
        input_(static_cast<std::size_t>(spec.input_stride * (rows - 1) + spec.first_value_block() * 32) * 4,
               4),
        weight_(static_cast<std::size_t>(spec.heads.value_size) * 4, 4),
        bias_(weight_.size(), 4),
        stored_(spec.heads, rows, position, spec.output_stride, random_) {
    const std::int64_t first = std::int64_t{spec.first_latent_block()} * 32;
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t i = 0; i < first + spec.latent; ++i)
        input_.as<float>()[row * spec.input_stride + i] = 2 * random_.value();
    for (std::int64_t i = 0; i < spec.latent; ++i) {
      weight_.as<float>()[i] = 1 + 0.5f * random_.value();
      bias_.as<float>()[i] = random_.value();
    }
  }

  // In so many calls, as threads share it out.
  void check(const jit::Target& target, int calls) {
    SCOPED_TRACE(jit::spec_text(spec_) + " rows " + std::to_string(rows_) + " target " + target.name);
    LatentArguments arguments;
    tests::set_rows(arguments, input_, weight_, bias_, rows_, stored_);
    arguments.epsilon = kEpsilon;
    tests::run_in_shares(emit_latent(spec_, target), arguments, spec_.blocks(), calls,
                         [&](std::int64_t block) { return share(block); });
    for (std::int64_t row = 0; row < rows_; ++row) {
      wipe_latent_places(row);
      stored_.check_row(row, expected(row), kTolerance);
    }
    stored_.check_the_rest();
  }

 private:
  std::int64_t share(std::int64_t block) const {
    const std::int64_t queries = spec_.heads.query_blocks() - spec_.query_blocks();  // made by a GEMM
    return spec_.heads.next_share(block + queries) - queries;
  }

  // Latent parts of queries are made by a GEMM.
  void wipe_latent_places(std::int64_t row) const {
    for (int head = 0; head < spec_.heads.query_heads; ++head)
      for (int i = 32 * spec_.rotated_blocks(); i < spec_.heads.query_head_columns(); ++i) {
        float& place =
            stored_.output()[row * spec_.output_stride + head * spec_.heads.query_head_columns() + i];
        ASSERT_EQ(place, kUntouched) << "row " << row << " head " << head << " place " << i;
        place = 0;
      }
  }

  // Columns as templates/head_layout.hpp has them.
  std::vector<double> expected(std::int64_t row) const {
    const float* input = input_.as<float>() + row * spec_.input_stride;
    const int rotated = 32 * spec_.rotated_blocks();
    const auto latent = static_cast<std::size_t>(spec_.latent);
    std::vector<double> columns;
    for (int head = 0; head < spec_.heads.query_heads; ++head) {
      columns.insert(columns.end(), input + head * rotated, input + (head + 1) * rotated);
      columns.resize(columns.size() + static_cast<std::size_t>(spec_.heads.value_size), 0.0);
    }
    const float* key = input + spec_.query_blocks() * 32;
    columns.insert(columns.end(), key, key + rotated);
    std::vector<double> normed = tests::normed_row(spec_.norm, {key + rotated, latent}, weight_.as<float>(),
                                                   bias_.as<float>(), kEpsilon);
    normed.resize(static_cast<std::size_t>(spec_.heads.value_size), 0.0);
    for (int copy = 0; copy < 2; ++copy) columns.insert(columns.end(), normed.begin(), normed.end());
    return columns;
  }

  static constexpr float kEpsilon = 1e-5f;
  static constexpr double kTolerance = 4e-6;
  static constexpr float kUntouched = 12345.0f;

  LatentSpec spec_;
  std::int64_t rows_;
  tests::RandomValues random_;
  tests::GuardedBuffer input_;
  tests::GuardedBuffer weight_;
  tests::GuardedBuffer bias_;
  tests::StoredHeads stored_;
};

}  // namespace burin::kernels
