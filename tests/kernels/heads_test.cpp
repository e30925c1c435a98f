// Heads between projection and cache: every norm, unit and clip against plain double arithmetic.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "jit/error.hpp"
#include "tests/kernels/heads_problem.hpp"
#include "tests/support/host_targets.hpp"

namespace burin::kernels {
namespace {

using Problem = HeadsProblem;

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
      const KvPlace place = cache.place(0);
      arguments.kv = {rotation.data(), &place, cache.layer_offset()};
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
      const KvPlace place = cache.place(0);
      arguments.kv = {rotation.data(), &place, cache.layer_offset()};
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
