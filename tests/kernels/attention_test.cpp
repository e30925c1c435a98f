// Attention of every head grouping x cache x math x target against plain double arithmetic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "tests/kernels/attention_reference.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/kernel_call.hpp"
#include "tests/support/kv_cache.hpp"
#include "tests/support/random_values.hpp"

namespace burin::kernels {
namespace {

using tests::GuardedBuffer;
using tests::KvCache;
using tests::RandomValues;

constexpr float kUntouched = 12345.0f;
constexpr float kCap = 2.5f;  // scores of these tests reach past it
constexpr int kGap = 3;       // floats between rows: strides are not the rows' widths

struct Numbers {
  KvStorage storage;
  AttentionMath math;
};

// What the target can compute with.
std::vector<Numbers> numbers_of(const jit::Target& target) {
  std::vector<Numbers> all = {{KvStorage::f32, AttentionMath::f32},
                              {KvStorage::f16, AttentionMath::f32},
                              {KvStorage::bf16, AttentionMath::f32}};
  all.push_back({KvStorage::int8, AttentionMath::f32});
  if (target.has(jit::Feature::avx512bf16))
    for (const KvStorage storage : {KvStorage::bf16, KvStorage::int8})
      all.push_back({storage, AttentionMath::bf16});
  return all;
}

// Queries of `rows` positions from `position` on, all heads, and a cache whose last key, or the last one of its spans, is
// the last row's own.
class Problem {
 public:
  Problem(const AttentionSpec& spec, std::int64_t position, std::int64_t rows, float query_scale = 2)
      : Problem(spec, {{0, position + rows, 0}}, position, rows, query_scale) {}
  Problem(const AttentionSpec& spec, const std::vector<KeySpan>& spans, std::int64_t position,
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
  const KvCache& cache() const { return cache_; }
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
    const GuardedBuffer output(static_cast<std::size_t>(stride * rows - kGap) * 4, 4);
    std::fill_n(output.as<float>(), output.size() / 4, kUntouched);
    const GuardedBuffer scratch(attention_scratch_bytes(spec_));
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
    const GuardedBuffer sums(part_bytes * static_cast<std::size_t>(parts));
    const GuardedBuffer scratch(attention_scratch_bytes(spec_));
    const GuardedBuffer output(static_cast<std::size_t>(heads().group() * heads().value_width()) * 4, 4);
    for (const GuardedBuffer* buffer : {&sums, &scratch}) std::memset(buffer->as(), 0xff, buffer->size());
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
                      relative_error(expected) * expected.magnitude[i] + 1e-30)
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

  // An error of a score is one of the probability's exponent. bf16 math rounds probabilities to 8 significant
  // bits.
  double relative_error(const AttentionReference& reference) const {
    const double probabilities = spec_.math == AttentionMath::bf16 ? 0x1p-8 : 0;
    return probabilities + 3e-6 + 4e-7 * reference.largest_products;
  }

  AttentionSpec spec_;
  std::int64_t position_;
  std::int64_t rows_;
  RandomValues random_;
  std::vector<KeySpan> spans_;
  KvCache cache_;
  std::int64_t query_stride_;
  GuardedBuffer query_;
  float scale_;
  std::vector<float> slopes_;
  std::vector<float> sinks_;
  std::vector<float> factors_;  // 1 .. 3
};

AttentionSpec spec_of(int query_heads, int kv_heads, int head_size, const Numbers& numbers) {
  AttentionSpec spec;
  spec.heads = {query_heads, kv_heads, head_size, numbers.storage};
  spec.math = numbers.math;
  return spec;
}

// MHA, GQA with two sizes of group, MQA.
constexpr std::pair<int, int> kHeads[] = {{4, 4}, {4, 2}, {6, 1}, {8, 2}};

TEST(Attention, HeadSizesMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const auto& [query_heads, kv_heads] : kHeads)
        for (const int head_size : {2, 8, 20, 48, 64, 80, 128, 130}) {
          const Problem problem(spec_of(query_heads, kv_heads, head_size, numbers), 61, 7);
          problem.check(target, kv_heads - 1);
        }
}

// Positions around the blocks of 64 keys and the softmax's chunks of 256.
TEST(Attention, PositionsMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const std::int64_t position : {0, 1, 63, 64, 255, 256, 300, 700})
        for (const std::int64_t rows : {1, 2, 6, 9}) {
          const Problem problem(spec_of(6, 2, 20, numbers), position, rows);
          for (const int kv_head : {0, 1}) problem.check(target, kv_head);
        }
}

TEST(Attention, EveryRowCountMatchesReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const auto& [query_heads, kv_heads] : kHeads) {
        const AttentionSpec spec = spec_of(query_heads, kv_heads, 8, numbers);
        for (int rows = 1; rows <= attention_rows_per_call(spec); ++rows)
          Problem(spec, 240, rows).check(target, 0);
      }
}

// One KV head for many query heads, whose values are the longer part of its keys; values longer than keys.
TEST(Attention, ValuesOfAnotherSizeMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const auto& [head_size, value_size] : {std::pair(96, 64), {576, 512}, {20, 50}, {64, 6}})
        for (const std::int64_t position : {0, 70, 300}) {
          AttentionSpec spec = spec_of(5, 1, head_size, numbers);
          spec.heads.value_size = value_size;
          Problem(spec, position, 3).check(target, 0);
        }
}

// Groups larger than a call takes; and any parts of them, with every rule: the same bits.
TEST(Attention, AHeadDoesNotDependOnTheOthersOfItsCall) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target)) {
      Problem(spec_of(71, 1, 16, numbers), 280, 1).check(target, 0);
      AttentionSpec spec = spec_of(14, 2, 24, numbers);
      spec.soft_cap = spec.alibi = spec.sinks = true;
      spec.heads.value_size = 18;
      const Problem problem(spec, 300, 3);
      const std::vector<float> together = problem.run(target, 1, 0, 3);
      for (const int heads : {1, 2, 3, 6}) EXPECT_EQ(problem.run(target, 1, 0, 3, heads), together) << heads;
    }
}

// However a prompt is cut into calls, a row gets the same bits.
TEST(Attention, ARowDoesNotDependOnTheOthersOfItsCall) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const std::int64_t position : {0, 60, 250, 511}) {
        const AttentionSpec spec = spec_of(8, 2, 48, numbers);
        const int rows = attention_rows_per_call(spec);
        const Problem problem(spec, position, rows);
        SCOPED_TRACE(jit::spec_text(spec) + " position " + std::to_string(position) + " target " +
                     target.name);
        const std::vector<float> together = problem.run(target, 1, 0, rows);
        std::vector<float> alone;
        for (int row = 0; row < rows; ++row) {
          const std::vector<float> one = problem.run(target, 1, row, 1);
          alone.insert(alone.end(), one.begin(), one.end());
        }
        EXPECT_EQ(together, alone);
      }
}

// Every rule by itself and all together; windows around the sizes of vectors, blocks and chunks.
TEST(Attention, ScoreRulesMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target)) {
      std::vector<AttentionSpec> specs(6, spec_of(4, 2, 20, numbers));
      specs[0].soft_cap = true;
      specs[1].alibi = true;
      specs[2].sinks = true;
      for (AttentionSpec* all : {&specs[3], &specs[4]}) all->soft_cap = all->alibi = all->sinks = true;
      specs[4].window = 70;
      for (AttentionSpec* with_factors : {&specs[4], &specs[5]}) with_factors->factors = true;
      for (const std::int64_t window : {1, 2, 15, 16, 17, 64, 255, 256, 257, 600, 5000}) {
        specs.push_back(spec_of(4, 2, 20, numbers));
        specs.back().window = window;
      }
      for (const AttentionSpec& spec : specs)
        for (const std::int64_t position : {0, 63, 250, 515})
          for (const std::int64_t rows : {1, 9}) Problem(spec, position, rows).check(target, 1);
    }
}

// With every rule, windows that leave whole parts empty among them.
TEST(Attention, PartsMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const auto& [query_heads, head_size] : {std::pair{1, 64}, {6, 20}, {71, 48}}) {
        std::vector<AttentionSpec> specs(3, spec_of(query_heads, 1, head_size, numbers));
        specs[1].soft_cap = specs[1].alibi = specs[1].sinks = specs[1].factors = true;
        specs[2].sinks = true;
        specs[2].window = 40;
        for (AttentionSpec& spec : specs) {
          spec.parts = true;
          for (const std::int64_t position : {0, 255, 256, 900})
            for (const std::int64_t part_keys : {256, 512}) {
              const Problem problem(spec, position, 1);
              problem.compare(target, 0, problem.run_parts(target, 0, part_keys));
            }
        }
      }
}

// Short sequences are not taken apart: the kernel is then as good as the other.
TEST(Attention, OnePartIsTheWhole) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target)) {
      AttentionSpec spec = spec_of(6, 1, 48, numbers);
      spec.sinks = true;
      const std::vector<float> expected = Problem(spec, 600, 1).run(target, 0, 0, 1);
      spec.parts = true;
      const Problem problem(spec, 600, 1);
      EXPECT_EQ(problem.run(target, 0, 0, 1), expected);
      EXPECT_EQ(problem.run_parts(target, 0, 1024), expected);
    }
}

// Keys before the window are not read as numbers: a chunk that only they fill leaves no trace.
TEST(Attention, ARowOfAWindowDoesNotDependOnTheOthersOfItsCall) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const std::int64_t position : {250, 300}) {
        AttentionSpec spec = spec_of(8, 2, 48, numbers);
        spec.window = 40;
        const int rows = attention_rows_per_call(spec);
        const Problem problem(spec, position, rows);
        const std::vector<float> together = problem.run(target, 1, 0, rows);
        std::vector<float> alone;
        for (int row = 0; row < rows; ++row) {
          const std::vector<float> one = problem.run(target, 1, row, 1);
          alone.insert(alone.end(), one.begin(), one.end());
        }
        EXPECT_EQ(together, alone) << jit::spec_text(spec) << " position " << position << " " << target.name;
      }
}

// A ring that has wrapped: [0, keep) are the first tokens, now right before the oldest one left, which is in slot
// `oldest`; the rows' own keys end in slot `end`. A row of 3 spans, or of 2 where distances don't matter.
std::vector<KeySpan> ring_spans(std::int64_t keep, std::int64_t oldest, std::int64_t end,
                                std::int64_t capacity, bool by_distance) {
  constexpr std::int64_t kOldestPosition = 5000;
  std::vector<KeySpan> spans;
  if (by_distance && keep > 0) spans.push_back({0, keep, kOldestPosition - keep});
  spans.push_back({oldest, capacity, kOldestPosition - oldest});
  spans.push_back({by_distance ? keep : 0, end, kOldestPosition + capacity - oldest - keep});
  return spans;
}

TEST(Attention, WrappedRingsMatchReference) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target)) {
      std::vector<AttentionSpec> specs(4, spec_of(6, 2, 20, numbers));
      specs[1].alibi = specs[1].sinks = true;
      specs[2].window = 300;
      specs[3].parts = true;
      for (const AttentionSpec& spec : specs)
        for (const auto& [keep, oldest, end, capacity] : {std::array<std::int64_t, 4>{4, 400, 90, 700},
                                                          {0, 65, 64, 130},
                                                          {8, 30, 20, 48},
                                                          {70, 511, 200, 513}})
          for (const std::int64_t rows : {1, 5}) {
            const bool by_distance = spec.alibi || spec.window > 0;
            const std::vector<KeySpan> spans = ring_spans(keep, oldest, end, capacity, by_distance);
            const std::int64_t position = spans.back().end_slot + spans.back().shift - rows;
            const Problem problem(spec, spans, position, rows);
            problem.check(target, 1);
            if (spec.parts && rows == 1) problem.compare(target, 0, problem.run_parts(target, 0, 256));
          }
    }
}

// However rows are cut into calls: also where the first of them sees keys that the last one does not.
TEST(Attention, ARowOfAWrappedRingDoesNotDependOnTheOthersOfItsCall) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const std::int64_t window : {0, 150}) {
        AttentionSpec spec = spec_of(8, 2, 48, numbers);
        spec.window = window;
        const std::vector<KeySpan> spans = ring_spans(4, 300, 100, 600, window > 0);
        const int rows = attention_rows_per_call(spec);
        const Problem problem(spec, spans, spans.back().end_slot + spans.back().shift - rows, rows);
        const std::vector<float> together = problem.run(target, 1, 0, rows);
        std::vector<float> alone;
        for (int row = 0; row < rows; ++row) {
          const std::vector<float> one = problem.run(target, 1, row, 1);
          alone.insert(alone.end(), one.begin(), one.end());
        }
        EXPECT_EQ(together, alone) << jit::spec_text(spec) << " " << target.name;
      }
}

// Scores of +80 and -80 in turns, with the large ones in either chunk: e^80 squared overflows a float.
TEST(Attention, LargeScoresStayNumbers) {
  constexpr std::int64_t kPosition = 300;
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      for (const int first_sign : {1, -1})
        for (const bool by_chunk : {false, true}) {
          const Problem problem(spec_of(2, 1, 64, numbers), kPosition, 2);
          for (const std::int64_t row : {0, 1})
            for (const int head : {0, 1}) std::fill_n(problem.query(row, head), 64, 10.0f);
          for (std::int64_t position = 0; position < kPosition + 2; ++position) {
            const bool flip = by_chunk ? position >= 256 : position % 2 != 0;
            const auto key = static_cast<float>(flip ? -first_sign : first_sign);
            for (int pair = 0; pair < 32; ++pair)
              for (const int which : {0, 1}) problem.cache().set_key(0, position, pair, which, key);
          }
          problem.check(target, 0);
        }
}

TEST(Attention, EmissionIsDeterministic) {
  for (const jit::Target& target : tests::host_targets())
    for (const Numbers& numbers : numbers_of(target))
      EXPECT_EQ(emit_attention(spec_of(8, 2, 80, numbers), target).bytes,
                emit_attention(spec_of(8, 2, 80, numbers), target).bytes);
}

TEST(Attention, RefusesWhatItCannotDo) {
  const auto refusal = [](const AttentionSpec& spec, std::string_view target) -> std::string {
    try {
      emit_attention(spec, jit::parse_target(target));
    } catch (const Error& error) {
      return error.what();
    }
    return "emitted";
  };
  const Numbers plain = {KvStorage::f32, AttentionMath::f32};
  const Numbers bf16 = {KvStorage::bf16, AttentionMath::bf16};
  EXPECT_EQ(refusal(spec_of(4, 2, 64, plain), "avx2"), "emitted");
  EXPECT_EQ(refusal(spec_of(4, 2, 64, bf16), "avx512bf16"), "emitted");
  for (const KvStorage storage : {KvStorage::f32, KvStorage::f16})
    EXPECT_THAT(refusal(spec_of(4, 2, 64, {storage, AttentionMath::bf16}), "avx512bf16"),
                testing::HasSubstr("needs a bf16 or int8 cache"));
  EXPECT_THAT(refusal(spec_of(4, 2, 64, bf16), "avx2"), testing::HasSubstr("needs avx512bf16"));
  EXPECT_THAT(refusal(spec_of(4, 2, 64, bf16), "avx512vnni"), testing::HasSubstr("needs avx512bf16"));
  EXPECT_THAT(refusal(spec_of(4, 2, 65, plain), "avx2"), testing::HasSubstr("must be even"));
  EXPECT_THAT(refusal(spec_of(5, 2, 64, plain), "avx2"), testing::HasSubstr("multiple of KV heads"));
}

}  // namespace
}  // namespace burin::kernels
