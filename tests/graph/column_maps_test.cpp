// Where the rows of stored matrices go: each exactly once, and rotating pairs where the epilogue rotates
// them.
#include "graph/column_maps.hpp"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace burin::graph {
namespace {

using kernels::ColumnSource;
using kernels::HeadLayout;

bool is_source(const ColumnSource& column, int matrix, std::int64_t row) {
  return column.matrix == matrix && column.row == row;
}

TEST(ColumnMaps, PlainColumnsKeepTheirOrder) {
  const std::vector<ColumnSource> columns = plain_columns(37);
  ASSERT_EQ(columns.size(), 64u);
  for (std::size_t i = 0; i < columns.size(); ++i)
    EXPECT_TRUE(is_source(columns[i], 0, i < 37 ? static_cast<std::int64_t>(i) : -1)) << i;
}

TEST(ColumnMaps, GateAndUpTakeTurnsOfSixteen) {
  const std::vector<ColumnSource> columns = gate_columns(40);
  ASSERT_EQ(columns.size(), 3u * 32);
  for (int i = 0; i < 48; ++i) {
    const auto gate = static_cast<std::size_t>(i / 16 * 32 + i % 16);
    EXPECT_TRUE(is_source(columns[gate], 0, i < 40 ? i : -1)) << i;
    EXPECT_TRUE(is_source(columns[gate + 16], 1, i < 40 ? i : -1)) << i;
  }
}

struct Heads {
  HeadLayout layout;
  RopeAttributes rope;
};

std::vector<Heads> all_heads() {
  std::vector<Heads> all;
  for (const int head_size : {2, 8, 16, 32, 64, 80, 128})
    for (const RotaryStyle style : {RotaryStyle::interleaved, RotaryStyle::halves})
      for (const int rotary : {head_size, (head_size / 4 + 1) * 2}) {  // all of it, and about half
        Heads heads;
        heads.layout = {6, 2, head_size, kernels::KvStorage::f32};
        heads.rope.style = style;
        heads.rope.rotary = rotary;
        all.push_back(heads);
      }
  return all;
}

// Heads of 20 outputs in blocks of their own, then two heads of 10 that rotate, neighbours as pairs.
TEST(ColumnMaps, HeadsOfLatentAttentionHaveBlocksOfTheirOwn) {
  RopeAttributes rope;
  rope.style = RotaryStyle::interleaved;
  rope.head_size = rope.rotary = 10;
  LinearPart plain;
  plain.outputs = 40;
  plain.heads = 2;
  LinearPart rotated = plain;
  rotated.outputs = 20;
  rotated.rotated = true;
  const std::vector<ColumnSource> columns = latent_columns({plain, rotated}, rope);
  ASSERT_EQ(columns.size(), 4u * 32);
  for (int i = 0; i < 64; ++i)
    EXPECT_TRUE(is_source(columns[static_cast<std::size_t>(i)], 0, i % 32 < 20 ? i / 32 * 20 + i % 32 : -1))
        << i;
  for (int i = 0; i < 64; ++i)
    EXPECT_TRUE(is_source(columns[static_cast<std::size_t>(64 + i)], 1,
                          i % 16 < 5 ? i / 32 * 10 + i % 16 * 2 + i % 32 / 16 : -1))
        << i;
}

TEST(ColumnMaps, EveryRowOfQkvOnce) {
  for (const auto& [layout, rope] : all_heads()) {
    const std::vector<ColumnSource> columns = qkv_columns(layout, rope);
    ASSERT_EQ(columns.size(), static_cast<std::size_t>(layout.blocks()) * 32);
    std::set<std::pair<int, int>> seen;
    for (const ColumnSource& column : columns) {
      if (column.row < 0) continue;
      EXPECT_TRUE(seen.insert({column.matrix, column.row}).second) << column.matrix << " " << column.row;
      EXPECT_LT(column.row, (column.matrix == 0 ? layout.query_heads : layout.kv_heads) * layout.head_size);
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>((6 + 2 + 2) * layout.head_size));
  }
}

TEST(ColumnMaps, RotatingPairsStandOppositeEachOther) {
  for (const Heads& heads : all_heads()) {
    const HeadLayout& layout = heads.layout;
    const RopeAttributes& rope = heads.rope;
    const std::vector<ColumnSource> columns = qkv_columns(layout, rope);
    for (int head = 0; head < layout.query_heads + layout.kv_heads; ++head) {
      const int matrix = head < layout.query_heads ? 0 : 1;
      const int first_row = (matrix == 0 ? head : head - layout.query_heads) * layout.head_size;
      const int first_column = head * layout.query_head_columns();
      for (int pair = 0; pair < rope.rotary / 2; ++pair) {
        const bool halves = rope.style == RotaryStyle::halves;
        const int one = halves ? pair : 2 * pair;
        const int other = halves ? pair + rope.rotary / 2 : 2 * pair + 1;
        const auto at = [&](int which) {
          return columns[static_cast<std::size_t>(first_column + layout.pair_column(pair, which))];
        };
        ASSERT_TRUE(is_source(at(0), matrix, first_row + one)) << "head " << head << " pair " << pair;
        ASSERT_TRUE(is_source(at(1), matrix, first_row + other)) << "head " << head << " pair " << pair;
      }
    }
  }
}

TEST(ColumnMaps, ValuesFollowInOrder) {
  for (const auto& [layout, rope] : all_heads()) {
    const std::vector<ColumnSource> columns = qkv_columns(layout, rope);
    const int first = (layout.query_blocks() + layout.key_blocks()) * 32;
    for (int head = 0; head < layout.kv_heads; ++head)
      for (int i = 0; i < layout.head_size; ++i) {
        const ColumnSource& column =
            columns[static_cast<std::size_t>(first + head * layout.value_columns() + i)];
        ASSERT_TRUE(is_source(column, 2, head * layout.head_size + i)) << "head " << head << " element " << i;
      }
  }
}

}  // namespace
}  // namespace burin::graph
