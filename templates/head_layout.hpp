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
//   bf16:  keys [pair][64 slots] (x0 low, x1 high half of a dword)
//          then values [32 slot pairs][value columns] (even slot low, odd high)
//
//   blocks[0] -> | layer 0: head 0 | head 1 | .. | layer 1: head 0 | ..       slots 0 .. 63
//   blocks[1] -> | layer 0: head 0 | head 1 | .. | layer 1: head 0 | ..       slots 64 .. 127
//
// The bf16 dwords are the operand shape of vdpbf16ps; f32 math unpacks them with a shift and a mask.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace burin::kernels {

inline constexpr int kKvBlock = 64;        // slots per block of the cache
inline constexpr int kPairsPerBlock = 16;  // rotary pairs per 32-column block

enum class KvStorage : std::uint8_t { f32, bf16 };

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

  int key_block_bytes() const { return kKvBlock * head_size * (kv == KvStorage::f32 ? 4 : 2); }
  int value_block_bytes() const { return kKvBlock * value_columns() * (kv == KvStorage::f32 ? 4 : 2); }
  int kv_block_bytes() const { return key_block_bytes() + value_block_bytes(); }
  // Of all KV heads of a layer.
  std::int64_t layer_block_bytes() const { return std::int64_t{kv_heads} * kv_block_bytes(); }

  // Floats of one row of the rotation table: cos of every pair place of a head, then sin; places past the
  // rotated pairs have cos 1, sin 0.
  int rotation_row() const { return 2 * pair_blocks() * kPairsPerBlock; }
};

// "h32.8.128.bf16": query heads, KV heads, head size, cache type. "h16.1.576v512.bf16" where values have another
// size.
void write_field(std::string& text, const HeadLayout& layout);
void read_field(std::string_view text, HeadLayout& layout);

}  // namespace burin::kernels
