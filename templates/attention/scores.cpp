// Scores of one chunk: dot products of every query row with the chunk's keys.
//
//                 64 keys of a block: 4 zmm, or 2 ymm in 4 passes (8 ymm for a single row)
//               +--------+--------+--------+--------+
//   query row 0 | score vectors, one accumulator each|
//     ...       |                                    |     per pair: load the keys' x0 (x1), broadcast each
//   query row 5 |                                    |     query's x0 (x1), multiply and add
//               +--------+--------+--------+--------+
//
// Of a block in which spans begin or end, only quarters are taken that a row may see.
#include <algorithm>

#include "templates/attention/attention_emitter.hpp"
#include "templates/attention/product_tile.hpp"
#include "templates/attention/read_ahead.hpp"
#include "templates/attention/stored_loads.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;

class ScoreTile {
 public:
  // Of `keys` keys of a block, a quarter to all of them.
  ScoreTile(const AttentionContext& context, int query_rows, int keys)
      : c_(context),
        a(context.a),
        ahead_(context, unroll() * group_bytes(), a.rbp),
        keys_(keys),
        tile_(context, query_rows, vectors(context, query_rows, keys), {"key", "query", true, 1}) {}

  Xbyak::Reg64 panel() const { return a.name(a.rdi, "panel"); }    // of the tile's first row
  Xbyak::Reg64 keys() const { return a.name(a.rsi, "keys"); }      // the tile's first of the block
  Xbyak::Reg64 scores() const { return a.name(a.rdx, "scores"); }  // of the tile's first row and first key

  const ReadAhead& ahead() const { return ahead_; }
  // From the first key to those that the last loop bodies read.
  int last_bytes() const { return std::max(bodies() - ahead_.last_bodies(), 0) * unroll() * group_bytes(); }

  void emit() {
    const jit::RoleScope scope(a);
    const int keys_per_pass = vectors() * a.lanes();
    for (int key = 0; key < keys_; key += keys_per_pass) emit_pass(key);
    a.add(panel(), c_.u32(tile_.query_rows() * c_.scratch.panel_row));
    a.add(scores(), c_.u32(tile_.query_rows() * AttentionScratch::kScoresRow));
  }

 private:
  // A single row takes a block's keys in one pass: of 8 ymm, only one is in a register at a time.
  static int vectors(const AttentionContext& c, int query_rows, int keys) {
    return std::min(query_rows == 1 ? kKvBlock / c.a.lanes() : tile_vectors(c.a), keys / c.a.lanes());
  }
  int vectors() const { return tile_.vectors(); }
  Xbyak::Reg64 walking_panel() const { return a.name(a.r8, "walking_panel"); }
  Xbyak::Reg64 walking_keys() const { return a.name(a.r9, "walking_keys"); }
  Xbyak::Reg64 bodies_left() const { return a.name(a.rcx, "bodies_left"); }

  // Groups of pairs per loop body: as many as divide the head.
  int unroll() const {
    const int groups = c_.spec.heads.pair_groups();
    return groups % 4 == 0 ? 4 : groups % 2 == 0 ? 2 : 1;
  }
  int bodies() const { return c_.spec.heads.pair_groups() / unroll(); }
  int group_bytes() const { return c_.spec.heads.pair_group_bytes(); }
  // Of a group in the panel: its x0, of which x1 are elsewhere, or both.
  int group_in_panel() const { return c_.integer_math() ? 4 : 4 * c_.spec.heads.pairs_per_group(); }
  int key_bytes() const { return c_.spec.heads.place_bytes(); }

  void emit_pass(int first_key) {
    start_sums();
    a.mov(walking_panel(), panel());
    a.lea(walking_keys(), a.ptr[keys() + jit::offset(first_key * key_bytes())]);
    a.mov(bodies_left(), c_.u32(bodies()));
    const bool prefetch = first_key == 0;
    if (prefetch) ahead_.emit_start();
    Xbyak::Label loop;
    a.align(32);
    a.L(loop);
    if (prefetch) ahead_.emit_body(bodies_left());
    for (int i = 0; i < unroll(); ++i) group(i, prefetch);
    a.add(walking_panel(), c_.u32(unroll() * group_in_panel()));
    a.add(walking_keys(), c_.u32(unroll() * group_bytes()));
    a.dec(bodies_left());
    a.jnz(loop, kNear);
    store_scores(first_key);
  }

  // Keys are unsigned in the products of int8 math, 128 too large: of the whole query, that is what sums begin with.
  void start_sums() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < vectors(); ++v) {
        if (!c_.int8_math())
          a.zero(tile_.sum(row, v));
        else if (v == 0)
          a.vpbroadcastd(tile_.sum(row, v), of_query(row, c_.scratch.query_start()));
        else
          a.isa().copy(tile_.sum(row, v), tile_.sum(row, 0));
      }
  }

  Xbyak::Address of_query(int query_row, int offset) const {
    return a.dword[panel() + jit::offset(query_row * c_.scratch.panel_row + offset)];
  }

  void store_scores(int first_key) {
    const jit::RoleScope scope(a);
    const Xbyak::Reg64 scales = a.name(walking_panel(), "key_scales");
    const jit::Vector scale = tile_.free(0, "scale");
    const jit::Vector of_query_row = tile_.free(1, "query_scale");
    if (c_.int8_storage()) a.mov(scales, c_.local(c_.locals.key_scales));
    for (int v = 0; v < vectors(); ++v) {
      const int key = first_key * 4 + v * a.vector_bytes();
      if (c_.int8_storage()) a.vmovups(scale, a.ptr[scales + jit::offset(key)]);
      for (int row = 0; row < tile_.query_rows(); ++row) {
        jit::Vector score = tile_.sum(row, v);
        if (c_.integer_math()) {
          score = tile_.emit_to_floats(row, v);
          a.vbroadcastss(of_query_row, of_query(row, c_.scratch.query_scale()));
          a.vmulps(score, score, of_query_row);
        }
        if (c_.int8_storage()) a.vmulps(score, score, scale);
        a.vmovups(a.ptr[scores() + jit::offset(row * AttentionScratch::kScoresRow + key)], score);
      }
    }
  }

  // Of the tile's keys only.
  void prefetch_group(int i) {
    const int row_bytes = kKvBlock * key_bytes();
    for (int row = 0; row < group_bytes(); row += row_bytes)
      for (int line = 0; line < keys_ * key_bytes(); line += 64)
        ahead_.emit_prefetch(walking_keys() + jit::offset(i * group_bytes() + row + line));
  }

  void group(int i, bool prefetch) {
    if (prefetch) prefetch_group(i);
    for (int which = 0; which < c_.products(2 * c_.spec.heads.pairs_per_group()); ++which)
      tile_.emit([&](jit::Vector to, int v) { load_keys(to, i, which, v); },
                 [&](jit::Vector to, int row) { load_query(to, row, i, which); });
  }

  void load_keys(jit::Vector to, int i, int which, int v) {
    const int together = c_.spec.heads.elements_per_place();
    const int row = which / together * kKvBlock * key_bytes();
    emit_load_stored(
        c_, to, a.ptr[walking_keys() + jit::offset(i * group_bytes() + row + v * a.lanes() * key_bytes())],
        which % together);
    if (c_.int8_math()) a.isa().bit_xor(to, to, a.vector_constant(0x80808080));
  }

  void load_query(jit::Vector to, int row, int i, int which) {
    const int query_row = row * c_.scratch.panel_row;
    const int of_float = which / 2 * 4 + which % 2 * c_.scratch.pair_places * 4;
    const int of_product = c_.integer_math() ? which * c_.scratch.second_queries() : of_float;
    a.vbroadcastss(to, a.dword[walking_panel() + jit::offset(query_row + i * group_in_panel() + of_product)]);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  ReadAhead ahead_;
  int keys_;
  ProductTile tile_;
};

// Of the block's quarters that any row may see.
void emit_block_scores(const AttentionContext& c, const Xbyak::Reg64& block_scores) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const ScoreTile any(c, 1, kKvBlock);
  const Xbyak::Reg64 first = a.name(a.rax, "first");
  const Xbyak::Reg64 end = a.name(a.rcx, "end");
  const Xbyak::Reg64 bytes = a.name(a.r8, "bytes");
  c.live_keys(first, end);
  a.and_(first, static_cast<std::uint32_t>(-kQuarter));
  a.sub(end, first);  // from here on the number of keys
  a.lea(any.scores(), a.ptr[block_scores + first * 4]);
  if (c.int8_storage()) {
    a.lea(bytes, a.ptr[any.keys() + first * 4 + jit::offset(c.spec.heads.key_scales_offset())]);
    a.mov(c.local(c.locals.key_scales), bytes);
  }
  a.imul(bytes, first, c.spec.heads.place_bytes());
  a.add(any.keys(), bytes);
  Xbyak::Label sizes[kKvBlock / kQuarter + 1];
  Xbyak::Label done;
  for (int keys = kQuarter; keys < kKvBlock; keys += kQuarter) {
    a.cmp(end, c.u32(keys));
    a.jle(sizes[keys / kQuarter], kNear);
  }
  for (int keys = kKvBlock; keys > 0; keys -= kQuarter) {
    a.L(sizes[keys / kQuarter]);
    emit_row_tiles(c, a.rax, kVectorTileRows, [&](int rows) { ScoreTile(c, rows, keys).emit(); });
    if (keys > kQuarter) a.jmp(done, kNear);
  }
  a.L(done);
}

}  // namespace

void emit_scores(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 block_scores = a.name(a.r10, "block_scores");
  const Xbyak::Reg64 blocks_left = a.name(a.r11, "blocks_left");
  const ScoreTile any(c, 1, kKvBlock);
  a.lend_rbp(c.locals.frame);  // for the lead of prefetches
  c.start_blocks(a.rax);
  a.lea(block_scores, a.ptr[c.r.scratch + jit::offset(c.scratch.scores)]);
  a.mov(blocks_left, c.r.chunk_blocks);
  a.mov(c.local(c.locals.block_slot), c.r.chunk_first);
  Xbyak::Label block;
  a.L(block);
  c.next_block(any.keys());
  emit_prefetch_scales(c, any.keys());
  emit_next_after_keys(c, blocks_left, a.rax, a.rcx);
  a.lea(a.rcx, a.ptr[any.keys() + jit::offset(any.last_bytes())]);
  any.ahead().emit_next(a.rax, a.rcx);
  a.mov(any.panel(), c.r.scratch);
  emit_block_scores(c, block_scores);
  a.add(block_scores, kKvBlock * 4);
  a.add(c.local(c.locals.block_slot), kKvBlock);
  a.dec(blocks_left);
  a.jnz(block, kNear);
  a.reclaim_rbp();
}

}  // namespace burin::kernels
