// Attention of every head grouping x cache x math x target against plain double arithmetic.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "jit/error.hpp"
#include "tests/kernels/attention_problem.hpp"
#include "tests/support/host_targets.hpp"

namespace burin::kernels {
namespace {

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
  for (const Numbers& more : {Numbers{KvStorage::bf16, AttentionMath::bf16},
                              {KvStorage::int8, AttentionMath::int8},
                              {KvStorage::int8, AttentionMath::int16},
                              {KvStorage::bf16, AttentionMath::amx}})
    if (computes(target, more.math)) all.push_back(more);
  return all;
}

using Problem = AttentionProblem;

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
  for (const KvStorage storage : {KvStorage::f32, KvStorage::f16, KvStorage::int8})
    EXPECT_THAT(refusal(spec_of(4, 2, 64, {storage, AttentionMath::bf16}), "avx512bf16"),
                testing::HasSubstr("bf16 math needs a bf16 cache"));
  const Numbers int8 = {KvStorage::int8, AttentionMath::int8};
  for (const char* target : {"avx512vnni", "avxvnni"})
    EXPECT_EQ(refusal(spec_of(4, 2, 64, int8), target), "emitted");
  EXPECT_THAT(refusal(spec_of(4, 2, 64, int8), "avx2"), testing::HasSubstr("needs avx512vnni or avxvnni"));
  EXPECT_THAT(refusal(spec_of(4, 2, 64, {KvStorage::bf16, AttentionMath::int8}), "avx512vnni"),
              testing::HasSubstr("int8 math needs an int8 cache"));
  EXPECT_THAT(refusal(spec_of(4, 2, 1026, int8), "avx512vnni"), testing::HasSubstr("heads of up to 1024"));
  EXPECT_EQ(refusal(spec_of(4, 2, 64, {KvStorage::int8, AttentionMath::int16}), "avx2"), "emitted");
  EXPECT_THAT(refusal(spec_of(4, 2, 64, {KvStorage::f16, AttentionMath::int16}), "avx2"),
              testing::HasSubstr("int16 math needs an int8 cache"));
  EXPECT_THAT(refusal(spec_of(4, 2, 64, bf16), "avx2"), testing::HasSubstr("needs avx512bf16"));
  EXPECT_EQ(refusal(spec_of(4, 2, 64, {KvStorage::bf16, AttentionMath::amx}), "sapphirerapids"), "emitted");
  EXPECT_THAT(refusal(spec_of(4, 2, 64, {KvStorage::int8, AttentionMath::amx}), "sapphirerapids"),
              testing::HasSubstr("amx math needs a bf16 cache"));
  EXPECT_THAT(refusal(spec_of(4, 2, 64, {KvStorage::bf16, AttentionMath::amx}), "znver5"),
              testing::HasSubstr("needs amx-bf16"));
  EXPECT_THAT(refusal(spec_of(4, 2, 64, bf16), "avx512vnni"), testing::HasSubstr("needs avx512bf16"));
  EXPECT_THAT(refusal(spec_of(4, 2, 65, plain), "avx2"), testing::HasSubstr("must be even"));
  EXPECT_THAT(refusal(spec_of(5, 2, 64, plain), "avx2"), testing::HasSubstr("multiple of KV heads"));
}

}  // namespace
}  // namespace burin::kernels
