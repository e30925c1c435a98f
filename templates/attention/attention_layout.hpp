// What an attention kernel keeps in its scratch memory.
#pragma once

#include "templates/attention/attention_spec.hpp"
#include "templates/tile_shape.hpp"

namespace burin::kernels {

inline constexpr int kChunkBlocks = 4;  // 64-position blocks per pass of the softmax
inline constexpr int kChunkKeys = kChunkBlocks * kKvBlock;
// Of a block's keys: as few are scored where no row may see more.
inline constexpr int kQuarter = kKvBlock / 4;

inline bool is_integer(AttentionMath math) {
  return math == AttentionMath::int8 || math == AttentionMath::int16;
}

// Query rows are (row, head of the call) pairs, q = row * heads + head. All offsets are bytes.
//
//   panel:   [q] queries times scale and log2 e: f32: [x0 of all pairs][x1 of all pairs], bf16: dwords of both,
//            int8: dwords of two pairs, int16: [x0][x1], dwords of two pairs; behind both
//            [what sums begin with, int32][scale f32]
//   scores:  [q][256 keys] f32; probabilities take their place, as f32 or as dwords of two bf16. Of int8 and int16, each
//            block's take that of its scores: [64 high bytes][64 low bytes][their factor f32], or [of four keys: words of
//            the even two, of the odd two][their factor f32]
//   exponents, mantissas, inverses:  [256 keys] f32, of the scales of an int8 cache's values, see value_scales.hpp
//   values:  [q][value columns] f32, the weighted sums so far
//   largest, sums:  [q] f32: running maximum, running sum
struct AttentionScratch {
  explicit AttentionScratch(const AttentionSpec& spec)
      : query_rows(whole_tiles(spec, attention_rows_per_call(spec) * attention_heads_per_call(spec))),
        pair_places(spec.heads.pair_blocks() * kPairsPerBlock),
        panel_row(pair_places * bytes_per_pair(spec.math) + (is_integer(spec.math) ? 8 : 0)),
        values_row(spec.heads.value_columns() * 4),
        scores(query_rows * panel_row),
        exponents(scores + query_rows * kScoresRow),
        mantissas(exponents + scales_row(spec)),
        inverses(mantissas + scales_row(spec)),
        values(inverses + scales_row(spec)),
        largest(values + query_rows * values_row),
        sums(largest + padded_row()),
        bytes(sums + padded_row()) {}

  static constexpr int kScoresRow = kChunkKeys * 4;

  // Unfinished sums are what lies from `values` to the end.
  int part_bytes() const { return bytes - values; }

  // Of int8 and int16, within a row of the panel, and within a block's probabilities.
  int second_queries() const { return pair_places * 2; }
  int query_start() const { return panel_row - 8; }
  int query_scale() const { return panel_row - 4; }
  static constexpr int kLowProbabilities = kKvBlock;
  static constexpr int kProbabilityFactor = 2 * kKvBlock;

  int query_rows;
  int pair_places;
  int panel_row;
  int values_row;
  int scores;
  int exponents;
  int mantissas;
  int inverses;
  int values;
  int largest;
  int sums;
  int bytes;

 private:
  // On AMX there is room for rows behind the last, up to a whole tile.
  static int whole_tiles(const AttentionSpec& spec, int rows) {
    return spec.math == AttentionMath::amx ? (rows + kTileRows - 1) / kTileRows * kTileRows : rows;
  }
  static int bytes_per_pair(AttentionMath math) {
    return math == AttentionMath::f32 ? 8 : math == AttentionMath::int8 ? 2 : 4;
  }
  static int scales_row(const AttentionSpec& spec) {
    return spec.heads.kv == KvStorage::int8 ? kChunkKeys * 4 : 0;
  }
  int padded_row() const { return (query_rows * 4 + 63) / 64 * 64; }
};

}  // namespace burin::kernels
