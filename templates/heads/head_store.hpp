// Epilogue injector: a column block of query, key or value heads is rotated and stored.
#pragma once

#include <algorithm>

#include "jit/assembler.hpp"
#include "templates/block_tile.hpp"
#include "templates/head_layout.hpp"
#include "templates/heads/kv_arguments.hpp"

namespace burin::kernels {

struct HeadStore {
  jit::Assembler& a;
  const HeadLayout& heads;
  std::int64_t output_stride;  // floats, of query rows

  // General registers by role. Kept:
  Xbyak::Reg64 arguments;    // of the kernel
  std::size_t kv_arguments;  // where KvArguments lie in them
  Xbyak::Reg64 block;        // number of the 32-column block
  Xbyak::Reg64 tile_row;     // number of the tile's row 0
  Xbyak::Reg64 output;       // of the tile's row 0, at the block's first column
  // Overwritten; number is rax, output is not rax or rcx:
  Xbyak::Reg64 number, in_head, head_offset, head_block, slot, rotation;
};

// With an int8 cache, a row of one KV head is collected at rsp, where the kernel's frame must begin with so many bytes,
// and stored when it is whole: a tile of one row takes its blocks one after the other. `output` is overwritten.
inline int head_row_bytes(const HeadLayout& heads) {
  return heads.kv == KvStorage::int8 ? 4 * std::max(heads.query_head_columns(), heads.value_columns()) : 0;
}

// Queries go to output; keys and values to the cache (head_layout.hpp). Overwrites the tile's sums and the four
// vector registers behind them.
void emit_head_store(const HeadStore& store, const BlockTile& tile, int pass);

}  // namespace burin::kernels
