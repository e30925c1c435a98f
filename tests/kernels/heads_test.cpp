// Heads between projection and cache: every norm, unit and clip against plain double arithmetic.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/heads/heads_spec.hpp"
#include "tests/kernels/row_reference.hpp"
#include "tests/kernels/stored_heads.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"

namespace burin::kernels {
namespace {

using tests::GuardedBuffer;
using tests::RandomValues;

constexpr float kEpsilon = 1e-5f;
constexpr float kLimit = 0.5f;
constexpr double kTolerance = 4e-6;

class Problem {
 public:
  Problem(const HeadsSpec& spec, std::int64_t rows, std::int64_t position)
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
    arguments.input = input_.as<float>();
    arguments.output = stored_.output();
    arguments.norm_weight = weight_.as<float>();
    arguments.norm_bias = bias_.as<float>();
    arguments.rows = rows_;
    arguments.epsilon = kEpsilon;
    arguments.limit = kLimit;
    arguments.kv = stored_.kv();
    const jit::CodeImage image = emit_heads(spec_, target);
    // Three calls share the blocks, as threads do; cuts fall within heads where they may.
    const std::int64_t blocks = spec_.heads.blocks();
    for (int part = 0; part < 3; ++part) {
      arguments.first_block = spec_.heads.next_share(blocks * part / 3);
      arguments.last_block = spec_.heads.next_share(blocks * (part + 1) / 3);
      tests::run_kernel(image, arguments);
    }
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

  HeadsSpec spec_;
  std::int64_t rows_;
  std::vector<bool> real_;
  RandomValues random_;
  GuardedBuffer input_;
  GuardedBuffer weight_;
  GuardedBuffer bias_;
  tests::StoredHeads stored_;
};

HeadsSpec spec_of(const HeadLayout& heads, RowNorm norm, HeadNormUnit unit) {
  HeadsSpec spec;
  spec.heads = heads;
  spec.norm = norm;
  spec.unit = unit;
  spec.input_stride = heads.blocks() * 32 + 3;
  spec.output_stride = heads.query_blocks() * 32 + 7;
  return spec;
}

constexpr std::pair<int, int> kHeads[] = {{4, 4}, {6, 2}, {5, 1}};

TEST(Heads, MatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const KvStorage kv : {KvStorage::f32, KvStorage::f16, KvStorage::bf16, KvStorage::int8})
      for (const auto& [query_heads, kv_heads] : kHeads)
        for (const int head_size : {2, 8, 32, 48, 64, 80, 128, 256})
          for (const RowNorm norm : {RowNorm::none, RowNorm::rms, RowNorm::layer})
            for (const HeadNormUnit unit : {HeadNormUnit::head, HeadNormUnit::part}) {
              if (norm == RowNorm::layer && head_size % 32 != 0) continue;
              const HeadsSpec spec = spec_of({query_heads, kv_heads, head_size, kv}, norm, unit);
              for (const std::int64_t rows : {1, 5}) Problem(spec, rows, 62).check(target);
            }
}

TEST(Heads, ClipsMatchReference) {
  for (const jit::Target& target : tests::host_targets()) {
    HeadsSpec spec = spec_of({4, 2, 20, KvStorage::f32}, RowNorm::none, HeadNormUnit::head);
    spec.clip = true;
    Problem(spec, 3, 0).check(target);
  }
}

// Beyond which nothing is stored as f16: blocks are used again, and zero times infinity is no number.
TEST(Heads, WhatIsTooLargeForTheCacheIsStoredAsTheLargest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::pair<float, double> numbers[] = {{65519.0f, 65504.0},  {65520.0f, 65504.0},    {-1e9f, -65504.0},
                                              {kInfinity, 65504.0}, {-kInfinity, -65504.0}, {3.0f, 3.0}};
  for (const jit::Target& target : tests::host_targets()) {
    const HeadsSpec spec = spec_of({1, 1, 32, KvStorage::f16}, RowNorm::none, HeadNormUnit::head);
    const jit::CodeImage image = emit_heads(spec, target);
    const tests::KvCache cache(spec.heads, 1);
    std::vector<float> rotation(static_cast<std::size_t>(spec.heads.rotation_row()), 0.0f);
    std::fill_n(rotation.begin(), rotation.size() / 2, 1.0f);  // by no angle
    const auto store = [&](float number) {
      std::vector<float> row(static_cast<std::size_t>(spec.input_stride), number);
      std::vector<float> output(static_cast<std::size_t>(spec.output_stride));
      HeadsArguments arguments;
      arguments.input = row.data();
      arguments.output = output.data();
      arguments.rows = 1;
      arguments.last_block = spec.heads.blocks();
      arguments.kv = {rotation.data(), cache.blocks(), cache.layer_offset(), 0};
      tests::run_kernel(image, arguments);
    };
    for (const auto& [number, stored] : numbers) {
      store(number);
      EXPECT_EQ(cache.value(0, 0, 17), stored) << number << " " << target.name;
      if (!std::isfinite(number)) continue;  // a rotation mixes in zero times infinity
      EXPECT_EQ(cache.key(0, 0, 7, 1), stored) << number << " " << target.name;
    }
    store(kNan);
    EXPECT_TRUE(std::isfinite(cache.value(0, 0, 17)));
    EXPECT_TRUE(std::isfinite(cache.key(0, 0, 7, 1)));
  }
}

// Zeros, numbers at the ends of floats, and what is no number, next to numbers.
TEST(Heads, Int8IsAlwaysFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const HeadsSpec spec = spec_of({1, 1, 32, KvStorage::int8}, RowNorm::none, HeadNormUnit::head);
  for (const jit::Target& target : tests::host_targets())
    for (const float number :
         {0.0f, 1e-45f, 1e-38f, 1e38f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
      const tests::KvCache cache(spec.heads, 1);
      std::vector<float> rotation(static_cast<std::size_t>(spec.heads.rotation_row()), 0.0f);
      std::fill_n(rotation.begin(), rotation.size() / 2, 1.0f);
      std::vector<float> row(static_cast<std::size_t>(spec.input_stride), number);
      row[32 + 5] = row[64 + 5] = 0.25f;
      std::vector<float> output(static_cast<std::size_t>(spec.output_stride));
      HeadsArguments arguments;
      arguments.input = row.data();
      arguments.output = output.data();
      arguments.rows = 1;
      arguments.last_block = spec.heads.blocks();
      arguments.kv = {rotation.data(), cache.blocks(), cache.layer_offset(), 0};
      tests::run_kernel(emit_heads(spec, target), arguments);
      for (int i = 0; i < 32; ++i) {
        EXPECT_TRUE(std::isfinite(cache.value(0, 0, i))) << number;
        EXPECT_TRUE(std::isfinite(cache.key(0, 0, i / 2, i % 2))) << number;
      }
      if (std::fabs(number) > 1 || std::isnan(number)) continue;
      EXPECT_NEAR(cache.value(0, 0, 5), 0.25, 1e-6) << number;
    }
}

TEST(Heads, RefusesWhatItCannotDo) {
  HeadsSpec spec = spec_of({4, 2, 20, KvStorage::f32}, RowNorm::layer, HeadNormUnit::head);
  EXPECT_THROW(emit_heads(spec, jit::host_target()), Error);
  spec.norm = RowNorm::rms;
  EXPECT_NO_THROW(emit_heads(spec, jit::host_target()));
  spec.clip = true;
  EXPECT_THROW(emit_heads(spec, jit::host_target()), Error);
  spec.clip = false;
  spec.heads.query_heads = 3;
  EXPECT_THROW(emit_heads(spec, jit::host_target()), Error);
}

}  // namespace
}  // namespace burin::kernels
