// How attention heads lie in the columns of a merged QKV matrix, in query rows and in the KV cache.
//
// Rotary pairs. RoPE rotates pairs (x0, x1) of a head: neighbours or halves, depending on the model. Query and
// key may be permuted in any way as long as both are, so the packer puts pair p of a head always in the same
// place, whatever the style: a 32-column block holds 16 pairs,
//
//   block:  [x0 of pair 16b .. 16b+15][x1 of pair 16b .. 16b+15]
//
// and rotation is lane-wise between two vectors. A head has ceil(head_size/2 / 16) such blocks; places past
// the last pair are zero columns. Columns of the merged matrix:
//
//   [query heads: pair blocks][key heads: pair blocks][value heads: ceil(value size/16)*16 columns each]
//
// KV cache: slots, a token's keys and values in each, in blocks of 64 that lie anywhere; kernels get a table of them.
// So a cache grows block by block, sequences share what is equal, and a ring is a matter of slots. A block holds
// [layer][kv head], each contiguous:
//
//   f32:   keys [pair][2][64 slots] f32        then values [64 slots][value columns] f32
//   f16:   the same of f16
//   bf16:  keys [pair][64 slots] (x0 low, x1 high half of a dword)
//          then values [32 slot pairs][value columns] (even slot low, odd high)
//   int8:  keys [two pairs][64 slots][x0, x1 of the even pair, x0, x1 of the odd one] int8, then their scales
//          [64 slots] f32, then values [16 x four slots][value columns][4 slots] int8 and their scales [64 slots] f32
//
//   blocks[0] -> | layer 0: head 0 | head 1 | .. | layer 1: head 0 | ..       slots 0 .. 63
//   blocks[1] -> | layer 0: head 0 | head 1 | .. | layer 1: head 0 | ..       slots 64 .. 127
//
// The bf16 dwords are the operand shape of vdpbf16ps, those of int8 that of vpdpbusd; f32 math unpacks them with shifts and
// masks. An element's slots lie side by side in f16 because vcvtph2ps widens as many as a vector has floats. Of an odd
// number of pairs, the last odd one is zero in int8.
//
// A key and a token's values of one head have a scale each: the largest magnitude / 127 (see heads/head_quantizer.hpp).
// A kernel that stores int8 must therefore see whole heads, which a GEMM's epilogue does not. Bytes per token of a
// head with 128 elements and values: f32 1024, f16 and bf16 512, int8 264.
//
// Fresh memory is zero. What is not a f16 is stored as the nearest that is finite: where a block is used again,
// what it held must stay a number when a probability of zero meets it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace burin::kernels {

inline constexpr int kKvBlock = 64;        // slots per block of the cache
inline constexpr int kPairsPerBlock = 16;  // rotary pairs per 32-column block

// Of int8 storage: codes, and the least that a head's largest magnitude counts as.
inline constexpr float kLargestCode = 127;
inline constexpr float kSmallestMagnitude = 0x1p-100f;

enum class KvStorage : std::uint8_t { f32, f16, bf16, int8 };

struct HeadLayout {
  int query_heads = 1;
  int kv_heads = 1;
  int head_size = 2;  // even
  KvStorage kv = KvStorage::f32;
  int value_size = 0;  // 0: head_size

  bool operator==(const HeadLayout&) const = default;

  int group() const { return query_heads / kv_heads; }  // query heads that share a KV head
  int pairs() const { return head_size / 2; }
  int pair_blocks() const { return (pairs() + kPairsPerBlock - 1) / kPairsPerBlock; }
  int query_head_columns() const { return pair_blocks() * 32; }
  int value_width() const { return value_size > 0 ? value_size : head_size; }
  int value_columns() const { return (value_width() + 15) / 16 * 16; }

  // Blocks of 32 columns of the merged matrix.
  int query_blocks() const { return query_heads * pair_blocks(); }
  int key_blocks() const { return kv_heads * pair_blocks(); }
  int value_blocks() const { return (kv_heads * value_columns() + 31) / 32; }
  int blocks() const { return query_blocks() + key_blocks() + value_blocks(); }

  // Column of a query row (and of the merged matrix, for head 0) where element `which` of pair p lies.
  int pair_column(int pair, int which) const {
    return pair / kPairsPerBlock * 32 + which * 16 + pair % kPairsPerBlock;
  }

  int element_bytes() const { return kv == KvStorage::f32 ? 4 : kv == KvStorage::int8 ? 1 : 2; }
  // Elements of a key, or slots of a column of values, that lie side by side: the dwords above, or one.
  int elements_per_place() const { return kv == KvStorage::int8 ? 4 : kv == KvStorage::bf16 ? 2 : 1; }
  // From a slot to the next in a row of keys, from a column to the next in one of values.
  int place_bytes() const { return elements_per_place() * element_bytes(); }
  // What a key consists of: pairs, of int8 two at a time. A group's bytes are those of all slots of a block.
  int pairs_per_group() const { return kv == KvStorage::int8 ? 2 : 1; }
  int pair_group_bytes() const { return pairs_per_group() * 2 * kKvBlock * element_bytes(); }
  int pair_groups() const { return (pairs() + pairs_per_group() - 1) / pairs_per_group(); }
  int value_row_bytes() const { return value_columns() * place_bytes(); }
  int slots_per_value_row() const { return elements_per_place(); }
  // Within the keys and the values of a block; int8 only.
  int key_scales_offset() const { return pair_groups() * pair_group_bytes(); }
  int value_scales_offset() const { return kKvBlock * value_columns() * element_bytes(); }
  int scales_bytes() const { return kv == KvStorage::int8 ? kKvBlock * 4 : 0; }
  int key_block_bytes() const { return key_scales_offset() + scales_bytes(); }
  int value_block_bytes() const { return value_scales_offset() + scales_bytes(); }
  int kv_block_bytes() const { return key_block_bytes() + value_block_bytes(); }
  // Of all KV heads of a layer.
  std::int64_t layer_block_bytes() const { return std::int64_t{kv_heads} * kv_block_bytes(); }

  // KV heads whose values fill blocks of 32 columns together: threads cannot share those out further.
  int heads_of_whole_blocks() const { return value_columns() % 32 == 0 ? 1 : 2; }

  // Which block of 32 columns a share of them may begin with: int8 is stored by whole heads, other caches by any
  // blocks. The next such block from `block` on.
  std::int64_t next_share(std::int64_t block) const {
    const std::int64_t keys = query_blocks();
    const std::int64_t values = keys + key_blocks();
    if (kv != KvStorage::int8 || block <= keys) return block;
    const std::int64_t first = block <= values ? keys : values;
    const std::int64_t unit =
        block <= values ? pair_blocks() : heads_of_whole_blocks() * value_columns() / 32;
    return std::min<std::int64_t>(first + (block - first + unit - 1) / unit * unit, blocks());
  }

  // Floats of one row of the rotation table: cos of every pair place of a head, then sin; places past the
  // rotated pairs have cos 1, sin 0.
  int rotation_row() const { return 2 * pair_blocks() * kPairsPerBlock; }
};

void write_field(std::string& text, const KvStorage& storage);
// "h32.8.128.bf16": query heads, KV heads, head size, cache type. "h16.1.576v512.bf16" where values have another
// size.
void write_field(std::string& text, const HeadLayout& layout);
void read_field(std::string_view text, HeadLayout& layout);

}  // namespace burin::kernels
