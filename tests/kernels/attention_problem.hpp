// Attention of made-up queries and caches, run and compared with plain double arithmetic.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "jit/spec_text.hpp"
#include "tests/kernels/attention_reference.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/kv_cache.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {

// Queries of `rows` positions from `position` on, all heads, and a cache whose last key, or the last one of its spans, is
// the last row's own.
class AttentionProblem {
 public:
  AttentionProblem(const AttentionSpec& spec, std::int64_t position, std::int64_t rows, float query_scale = 2)
      : AttentionProblem(spec, {{0, position + rows, 0}}, position, rows, query_scale) {}
  AttentionProblem(const AttentionSpec& spec, const std::vector<KeySpan>& spans, std::int64_t position,
                   std::int64_t rows, float query_scale = 2)
      : spec_(spec),
        position_(position),
        rows_(rows),
        random_(static_cast<std::uint64_t>(spec.heads.head_size * 1000 + position + rows)),
        spans_(spans),
        cache_(spec.heads, slots()),
        query_stride_(spec.heads.query_heads * spec.heads.query_head_columns() + kGap),
        query_(static_cast<std::size_t>(query_stride_ * rows - kGap) * 4, 4),
        scale_(1.0f / std::sqrt(static_cast<float>(spec.heads.head_size))),
        slopes_(random_.values(static_cast<std::size_t>(spec.heads.query_heads))),
        sinks_(random_.values(static_cast<std::size_t>(spec.heads.query_heads))),
        factors_(random_.values(static_cast<std::size_t>(rows))) {
    for (float& factor : factors_) factor += 2;
    for (float& slope : slopes_) slope = std::fabs(slope);
    for (std::int64_t row = 0; row < rows; ++row)
      for (int head = 0; head < spec.heads.query_heads; ++head)
        for (int pair = 0; pair < spec.heads.pairs(); ++pair)
          for (const int which : {0, 1})
            query(row, head)[spec.heads.pair_column(pair, which)] = query_scale * random_.value();
    fill_cache();
  }

  const HeadLayout& heads() const { return spec_.heads; }
  const tests::KvCache& cache() const { return cache_; }
  float scale() const { return scale_; }
  float* query(std::int64_t row, int head) const {
    return query_.as<float>() + row * query_stride_ + head * heads().query_head_columns();
  }

  // Output of rows [first, first + rows) of one KV head's group: [row][head of the group][value]. Calls take as many
  // heads as they can, or `heads_per_call`.
  std::vector<float> run(const jit::Target& target, int kv_head, std::int64_t first, std::int64_t rows,
                         int heads_per_call = 0) const {
    const std::int64_t width = heads().group() * heads().value_width();
    const std::int64_t stride = width + kGap;
    const tests::GuardedBuffer output(static_cast<std::size_t>(stride * rows - kGap) * 4, 4);
    std::fill_n(output.as<float>(), output.size() / 4, kUntouched);
    const tests::GuardedBuffer scratch(attention_scratch_bytes(spec_));
    std::memset(scratch.as(), 0xff, scratch.size());  // NaNs
    AttentionArguments arguments;
    const jit::CodeImage kernel = emit_attention(spec_, target);
    const int most = heads_per_call > 0 ? heads_per_call : attention_heads_per_call(spec_);
    for (int head = 0; head < heads().group(); head += most) {
      arguments = arguments_of(kv_head, first, rows, head, std::min(most, heads().group() - head));
      arguments.output = output.as<float>() + head * heads().value_width();
      arguments.scratch = scratch.as();
      arguments.output_stride = stride;
      tests::run_kernel(kernel, arguments);
    }
    std::vector<float> results;
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* from = output.as<float>() + row * stride;
      results.insert(results.end(), from, from + width);
      for (int i = 0; i < kGap && row + 1 < rows; ++i)
        EXPECT_EQ(from[width + i], kUntouched) << "behind row " << row;
    }
    return results;
  }

  // Likewise of the only row, `part_keys` keys at a time. Parts are computed in any order.
  std::vector<float> run_parts(const jit::Target& target, int kv_head, std::int64_t part_keys) const {
    const std::int64_t parts = (slots() + part_keys - 1) / part_keys;
    const std::size_t part_bytes = attention_part_bytes(spec_);
    const tests::GuardedBuffer sums(part_bytes * static_cast<std::size_t>(parts));
    const tests::GuardedBuffer scratch(attention_scratch_bytes(spec_));
    const tests::GuardedBuffer output(static_cast<std::size_t>(heads().group() * heads().value_width()) * 4,
                                      4);
    for (const tests::GuardedBuffer* buffer : {&sums, &scratch})
      std::memset(buffer->as(), 0xff, buffer->size());
    const jit::CodeImage kernel = emit_attention(spec_, target);
    const int most = attention_heads_per_call(spec_);
    for (int head = 0; head < heads().group(); head += most) {
      AttentionArguments arguments =
          arguments_of(kv_head, 0, 1, head, std::min(most, heads().group() - head));
      arguments.scratch = scratch.as();
      for (std::int64_t part = parts - 1; part >= 0; --part) {
        arguments.first_slot = part * part_keys;
        arguments.end_slot = arguments.first_slot + part_keys;
        arguments.part = sums.as() + static_cast<std::size_t>(part) * part_bytes;
        tests::run_kernel(kernel, arguments);
      }
      arguments.part = sums.as();
      arguments.part_count = parts;
      arguments.output = output.as<float>() + head * heads().value_width();
      tests::run_kernel(kernel, arguments);
    }
    return {output.as<float>(), output.as<float>() + output.size() / 4};
  }

  // Compares all rows of one KV head with the reference.
  void check(const jit::Target& target, int kv_head) const {
    compare(target, kv_head, run(target, kv_head, 0, rows_));
  }

  void compare(const jit::Target& target, int kv_head, const std::vector<float>& results) const {
    SCOPED_TRACE(jit::spec_text(spec_) + " kv head " + std::to_string(kv_head) + " position " +
                 std::to_string(position_) + " rows " + std::to_string(rows_) + " target " + target.name);
    std::size_t at = 0;
    for (std::int64_t row = 0; row < rows_; ++row)
      for (int head = 0; head < heads().group(); ++head) {
        const int query_head = kv_head * heads().group() + head;
        const AttentionReference expected =
            attention_reference(cache_, spans_, kv_head, position_ + row, query(row, query_head),
                                scale_of(row), spec_.math, rules_of(query_head));
        for (std::size_t i = 0; i < expected.output.size(); ++i, ++at)
          ASSERT_NEAR(static_cast<double>(results[at]), expected.output[i],
                      relative_error(expected) * expected.magnitude[i] + expected.rounding[i] + 1e-30)
              << "row " << row << " head " << head << " value " << i;
      }
  }

 private:
  AttentionArguments arguments_of(int kv_head, std::int64_t first, std::int64_t rows, int first_head,
                                  int head_count) const {
    const int query_head = kv_head * heads().group() + first_head;
    AttentionArguments arguments;
    arguments.query = query(first, query_head);
    arguments.heads = head_count;
    arguments.blocks = cache_.blocks();
    arguments.head_offset = cache_.head_offset(kv_head);
    arguments.spans = spans_.data();
    arguments.span_count = static_cast<std::int64_t>(spans_.size());
    arguments.query_stride = query_stride_;
    arguments.position = position_ + first;
    arguments.rows = rows;
    arguments.scale = scale_;
    arguments.cap = kCap;
    arguments.slopes = slopes_.data() + query_head;
    arguments.sinks = sinks_.data() + query_head;
    arguments.factors = factors_.data() + first;
    arguments.end_slot = slots();
    return arguments;
  }

  std::int64_t slots() const {
    std::int64_t slots = 0;
    for (const KeySpan& span : spans_) slots = std::max(slots, span.end_slot);
    return slots;
  }
  bool seen(std::int64_t slot) const {
    return std::any_of(spans_.begin(), spans_.end(),
                       [&](const KeySpan& span) { return slot >= span.first_slot && slot < span.end_slot; });
  }

  // Slots that no row may see hold NaN keys and values that would show.
  void fill_cache() {
    for (int head = 0; head < heads().kv_heads; ++head)
      for (std::int64_t slot = 0; slot < (slots() + kKvBlock - 1) / kKvBlock * kKvBlock; ++slot) {
        const bool is_seen = seen(slot);
        // Scales of any size, those of other slots the largest there are.
        const float largest = std::numeric_limits<float>::max();
        if (cache_.has_scales())
          cache_.set_scales(head, slot, is_seen ? (2 + random_.value()) / 127 : largest,
                            is_seen ? (1.5f + random_.value()) / 127 : largest);
        for (int pair = 0; pair < heads().pairs(); ++pair)
          for (const int which : {0, 1})
            cache_.set_key(head, slot, pair, which, is_seen ? 2 * random_.value() : unseen_key());
        for (int column = 0; column < heads().value_width(); ++column)
          cache_.set_value(head, slot, column, is_seen ? random_.value() : 6e4f);
      }
  }

  float unseen_key() const {
    return cache_.has_scales() ? std::numeric_limits<float>::max() : std::numeric_limits<float>::quiet_NaN();
  }

  float scale_of(std::int64_t row) const {
    return spec_.factors ? scale_ * factors_[static_cast<std::size_t>(row)] : scale_;
  }

  ScoreRules rules_of(int query_head) const {
    const auto head = static_cast<std::size_t>(query_head);
    ScoreRules rules;
    rules.window = spec_.window;
    if (spec_.soft_cap) rules.cap = static_cast<double>(kCap);
    if (spec_.alibi) rules.slope = static_cast<double>(slopes_[head]);
    if (spec_.sinks) rules.sink = &sinks_[head];
    return rules;
  }

  // An error of a score is one of the probability's exponent. bf16 math rounds probabilities to 8 significant bits; the
  // exponentials of integer math are as good as bf16 needs them.
  double relative_error(const AttentionReference& reference) const {
    double probabilities = 0;
    switch (spec_.math) {
      case AttentionMath::f32: break;
      case AttentionMath::bf16:
      case AttentionMath::amx: probabilities = 0x1p-8; break;
      case AttentionMath::int8:
      case AttentionMath::int16: probabilities = 0x1p-12; break;
    }
    return probabilities + 3e-6 + 4e-7 * reference.largest_products;
  }

  static constexpr float kUntouched = 12345.0f;
  static constexpr float kCap = 2.5f;  // scores of these tests reach past it
  static constexpr int kGap = 3;       // floats between rows: strides are not the rows' widths

  AttentionSpec spec_;
  std::int64_t position_;
  std::int64_t rows_;
  tests::RandomValues random_;
  std::vector<KeySpan> spans_;
  tests::KvCache cache_;
  std::int64_t query_stride_;
  tests::GuardedBuffer query_;
  float scale_;
  std::vector<float> slopes_;
  std::vector<float> sinks_;
  std::vector<float> factors_;  // 1 .. 3
};

}  // namespace burin::kernels
