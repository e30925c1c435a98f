#include "graph/column_maps.hpp"

#include <algorithm>

namespace burin::graph {
namespace {

using kernels::ColumnSource;

constexpr std::int64_t kHalfBlock = 16;

std::size_t whole_blocks(std::int64_t columns) {
  return static_cast<std::size_t>((columns + kernels::kBlockColumns - 1) / kernels::kBlockColumns *
                                  kernels::kBlockColumns);
}

// Element of a head that is `which` (0, 1) of rotary pair p. Elements that do not rotate pair up in order.
int pair_element(const RopeAttributes& rope, int pair, int which) {
  const int rotating_pairs = rope.rotary / 2;
  if (rope.style == RotaryStyle::interleaved || pair >= rotating_pairs) return 2 * pair + which;
  return pair + which * rotating_pairs;
}

// Pair blocks of `heads` heads of one matrix.
void append_rotary_heads(std::vector<ColumnSource>& columns, const kernels::HeadLayout& layout,
                         const RopeAttributes& rope, int matrix, int heads) {
  for (int head = 0; head < heads; ++head)
    for (int block = 0; block < layout.pair_blocks(); ++block)
      for (int which = 0; which < 2; ++which)
        for (int i = 0; i < kernels::kPairsPerBlock; ++i) {
          const int pair = block * kernels::kPairsPerBlock + i;
          const bool real = pair < layout.pairs();
          columns.push_back({matrix, real ? head * layout.head_size + pair_element(rope, pair, which) : -1});
        }
}

}  // namespace

std::vector<ColumnSource> plain_columns(std::int64_t outputs) {
  std::vector<ColumnSource> columns(whole_blocks(outputs));
  for (std::int64_t i = 0; i < outputs; ++i)
    columns[static_cast<std::size_t>(i)] = {0, static_cast<std::int32_t>(i)};
  return columns;
}

std::vector<ColumnSource> gate_columns(std::int64_t outputs) {
  std::vector<ColumnSource> columns;
  for (std::int64_t first = 0; first < outputs; first += kHalfBlock)
    for (const std::int32_t matrix : {0, 1})
      for (std::int64_t i = first; i < first + kHalfBlock; ++i)
        columns.push_back({matrix, i < outputs ? static_cast<std::int32_t>(i) : -1});
  return columns;
}

std::vector<ColumnSource> qkv_columns(const kernels::HeadLayout& heads, const RopeAttributes& rope) {
  std::vector<ColumnSource> columns;
  append_rotary_heads(columns, heads, rope, 0, heads.query_heads);
  append_rotary_heads(columns, heads, rope, 1, heads.kv_heads);
  for (int head = 0; head < heads.kv_heads; ++head)
    for (int d = 0; d < heads.value_columns(); ++d)
      columns.push_back({2, d < heads.value_width() ? head * heads.value_width() + d : -1});
  columns.resize(whole_blocks(static_cast<std::int64_t>(columns.size())));
  return columns;
}

namespace {

void append_part(std::vector<ColumnSource>& columns, const LinearPart& part, int matrix,
                 const RopeAttributes& rope) {
  if (part.rotated) {
    kernels::HeadLayout layout;
    layout.head_size = rope.head_size;
    return append_rotary_heads(columns, layout, rope, matrix, part.heads);
  }
  const std::int64_t heads = std::max(part.heads, 1);
  const std::int64_t size = part.outputs / heads;
  for (std::int64_t head = 0; head < heads; ++head) {
    const std::size_t end = columns.size() + whole_blocks(size);
    for (std::int64_t i = 0; i < size; ++i)
      columns.push_back({matrix, static_cast<std::int32_t>(head * size + i)});
    columns.resize(end, {matrix, -1});
  }
}

}  // namespace

std::vector<ColumnSource> latent_columns(const std::vector<LinearPart>& parts, const RopeAttributes& rope) {
  std::vector<ColumnSource> columns;
  for (std::size_t i = 0; i < parts.size(); ++i) append_part(columns, parts[i], static_cast<int>(i), rope);
  return columns;
}

std::vector<ColumnSource> columns_by_head(std::int64_t outputs, int heads) {
  std::vector<ColumnSource> columns;
  LinearPart part;
  part.outputs = outputs;
  part.heads = heads;
  append_part(columns, part, 0, {});
  return columns;
}

}  // namespace burin::graph
