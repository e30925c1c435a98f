// What storing heads must leave behind: rotated queries in rows, rotated keys and values in the cache, everything
// else as it was.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "templates/heads/kv_arguments.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/kv_cache.hpp"
#include "tests/support/random_values.hpp"

namespace burin::tests {

class StoredHeads {
 public:
  StoredHeads(const kernels::HeadLayout& heads, std::int64_t rows, std::int64_t position,
              std::int64_t output_stride, RandomValues& random)
      : heads_(heads),
        output_stride_(output_stride),
        output_(static_cast<std::size_t>(output_stride * rows) * 4, 4),
        rotation_(static_cast<std::size_t>(heads.rotation_row() * rows) * 4, 4),
        cache_(heads, position + rows),
        before_(heads, position + rows) {
    for (std::int64_t row = 0; row < rows; ++row) {
      positions_.push_back(position + rows - 1 - row);
      places_.push_back(cache_.place(positions_.back()));
    }
    std::fill_n(output_.as<float>(), output_.size() / 4, kUntouched);
    const int places = heads.rotation_row() / 2;
    for (std::int64_t row = 0; row < rows; ++row)
      for (int place = 0; place < places; ++place) {
        const float angle = place < heads.pairs() ? 3 * random.value() : 0;
        rotation_.as<float>()[row * 2 * places + place] = std::cos(angle);
        rotation_.as<float>()[row * 2 * places + places + place] = std::sin(angle);
      }
    for (std::size_t i = 0; i < cache_.size(); ++i)
      cache_.bytes()[i] = before_.bytes()[i] = static_cast<std::byte>(i * 37 + 11);
  }

  float* output() const { return output_.as<float>(); }
  kernels::KvArguments kv() const { return {rotation_.as<float>(), places_.data(), cache_.layer_offset()}; }

  // sums: the row's columns of the merged matrix, as they are to be rotated and stored.
  void check_row(std::int64_t row, std::span<const double> sums, double tolerance) const {
    check_queries(row, sums, tolerance);
    check_cache(row, sums, tolerance);
  }
  // After all rows.
  void check_the_rest() const {
    EXPECT_EQ(std::memcmp(cache_.bytes(), before_.bytes(), cache_.size()), 0)
        << "other positions were written";
  }

 private:
  std::int64_t position_of(std::int64_t row) const { return positions_[static_cast<std::size_t>(row)]; }

  static constexpr float kUntouched = 12345.0f;

  // Element `which` of a rotated pair; heads are counted through queries and keys.
  double rotated(std::int64_t row, std::span<const double> sums, int head, int pair, int which) const {
    const auto x = [&](int i) {
      return sums[static_cast<std::size_t>(head * heads_.query_head_columns() + heads_.pair_column(pair, i))];
    };
    const float* row_rotation = rotation_.as<float>() + row * heads_.rotation_row();
    const auto cosine = static_cast<double>(row_rotation[pair]);
    const auto sine = static_cast<double>(row_rotation[heads_.rotation_row() / 2 + pair]);
    return which == 0 ? x(0) * cosine - x(1) * sine : x(0) * sine + x(1) * cosine;
  }

  void check_queries(std::int64_t row, std::span<const double> sums, double tolerance) const {
    const float* output = output_.as<float>() + row * output_stride_;
    const int width = heads_.query_head_columns();
    for (int head = 0; head < heads_.query_heads; ++head)
      for (int pair = 0; pair < width / 2; ++pair)
        for (const int which : {0, 1})
          ASSERT_NEAR(static_cast<double>(output[head * width + heads_.pair_column(pair, which)]),
                      pair < heads_.pairs() ? rotated(row, sums, head, pair, which) : 0, tolerance)
              << "row " << row << " query head " << head << " pair " << pair << " element " << which;
    for (std::int64_t i = heads_.query_heads * width; i < output_stride_; ++i)
      ASSERT_EQ(output[i], kUntouched) << "row " << row << " behind the queries: " << i;
  }

  // Column of the merged matrix.
  int first_value(int head) const {
    return (heads_.query_heads + heads_.kv_heads) * heads_.query_head_columns() +
           head * heads_.value_columns();
  }

  // Wipes what was written, so that the rest can be compared as bytes.
  void check_cache(std::int64_t row, std::span<const double> sums, double tolerance) const {
    const std::int64_t position = position_of(row);
    for (int head = 0; head < heads_.kv_heads; ++head) {
      if (cache_.has_scales()) check_scales(row, head, sums, tolerance);
      for (int pair = 0; pair < heads_.pairs(); ++pair)
        for (const int which : {0, 1}) {
          expect_stored(cache_.key(head, position, pair, which),
                        rotated(row, sums, heads_.query_heads + head, pair, which),
                        tolerance + half_of(cache_.key_scale(head, position)),
                        testing::Message()
                            << "key of pair " << pair << " element " << which << " head " << head);
          for (const KvCache* cache : {&cache_, &before_}) cache->set_key(head, position, pair, which, 0);
        }
      for (int pair = heads_.pairs(); pair < heads_.pair_groups() * heads_.pairs_per_group(); ++pair)
        for (const int which : {0, 1}) {
          EXPECT_EQ(cache_.key(head, position, pair, which), 0) << "behind the pairs of head " << head;
          before_.set_key(head, position, pair, which, 0);
        }
      const int first = first_value(head);
      for (int i = 0; i < heads_.value_columns(); ++i) {
        expect_stored(cache_.value(head, position, i), sums[static_cast<std::size_t>(first + i)],
                      tolerance + half_of(cache_.value_scale(head, position)),
                      testing::Message() << "value " << i << " head " << head);
        for (const KvCache* cache : {&cache_, &before_}) cache->set_value(head, position, i, 0);
      }
      if (cache_.has_scales())
        for (const KvCache* cache : {&cache_, &before_}) cache->set_scales(head, position, 0, 0);
    }
  }

  // 127 scales are the largest magnitude.
  void check_scales(std::int64_t row, int head, std::span<const double> sums, double tolerance) const {
    double key = 0;
    for (int pair = 0; pair < heads_.pairs(); ++pair)
      for (const int which : {0, 1})
        key = std::max(key, std::fabs(rotated(row, sums, heads_.query_heads + head, pair, which)));
    double value = 0;
    for (int i = 0; i < heads_.value_columns(); ++i)
      value = std::max(value, std::fabs(sums[static_cast<std::size_t>(first_value(head) + i)]));
    EXPECT_NEAR(static_cast<double>(cache_.key_scale(head, position_of(row))) * 127, key,
                tolerance + key * 1e-6);
    EXPECT_NEAR(static_cast<double>(cache_.value_scale(head, position_of(row))) * 127, value,
                tolerance + value * 1e-6);
  }
  double half_of(float scale) const { return cache_.has_scales() ? static_cast<double>(scale) * 0.50001 : 0; }

  static float f16(float value) { return kernels::f16_to_f32(kernels::f32_to_f16(value)); }

  // What rounds to nearest is between the roundings of the bounds.
  void expect_stored(double stored, double expected, double tolerance, const testing::Message& what) const {
    const auto rounded = [&](double bound) {
      const auto value = static_cast<float>(bound);
      switch (heads_.kv) {
        case kernels::KvStorage::f32:
        case kernels::KvStorage::int8: return static_cast<double>(value);
        case kernels::KvStorage::f16: return static_cast<double>(f16(value));
        case kernels::KvStorage::bf16:
          return static_cast<double>(kernels::bf16_to_f32(kernels::f32_to_bf16(value)));
      }
      return 0.0;
    };
    EXPECT_GE(stored, rounded(expected - tolerance)) << what;
    EXPECT_LE(stored, rounded(expected + tolerance)) << what;
  }

  kernels::HeadLayout heads_;
  std::vector<std::int64_t> positions_;  // of the rows
  std::vector<kernels::KvPlace> places_;
  std::int64_t output_stride_;
  GuardedBuffer output_;
  GuardedBuffer rotation_;
  KvCache cache_;
  KvCache before_;
};

// Fills what kernels that store heads have in common: made-up rows, their norm's weight and bias, where results go.
template <typename Arguments>
void set_rows(Arguments& arguments, const GuardedBuffer& input, const GuardedBuffer& norm_weight,
              const GuardedBuffer& norm_bias, std::int64_t rows, const StoredHeads& stored) {
  arguments.input = input.as<float>();
  arguments.output = stored.output();
  arguments.norm_weight = norm_weight.as<float>();
  arguments.norm_bias = norm_bias.as<float>();
  arguments.rows = rows;
  arguments.kv = stored.kv();
}

// Runs the kernel in `calls` calls that share out the blocks, as threads do; next_share(block) is where a share may
// begin, as in HeadLayout::next_share.
template <typename Arguments, typename NextShare>
void run_in_shares(const jit::CodeImage& image, Arguments arguments, std::int64_t blocks, int calls,
                   NextShare&& next_share) {
  for (int call = 0; call < calls; ++call) {
    arguments.first_block = next_share(blocks * call / calls);
    arguments.last_block = next_share(blocks * (call + 1) / calls);
    run_kernel(image, arguments);
  }
}

// Which columns of the merged matrix are elements of heads; the others fill up blocks and heads.
inline std::vector<bool> merged_columns(const kernels::HeadLayout& heads) {
  std::vector<bool> columns(static_cast<std::size_t>(heads.blocks()) * 32);
  for (int head = 0; head < heads.query_heads + heads.kv_heads; ++head)
    for (int pair = 0; pair < heads.pairs(); ++pair)
      for (const int which : {0, 1})
        columns[static_cast<std::size_t>(head * heads.query_head_columns() +
                                         heads.pair_column(pair, which))] = true;
  const int values = (heads.query_heads + heads.kv_heads) * heads.query_head_columns();
  for (int head = 0; head < heads.kv_heads; ++head)
    for (int i = 0; i < heads.value_width(); ++i)
      columns[static_cast<std::size_t>(values + head * heads.value_columns() + i)] = true;
  return columns;
}

}  // namespace burin::tests
