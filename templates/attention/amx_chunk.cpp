// What scores.cpp and values.cpp do, by tdpbf16ps: 16 query rows at a time, with rows behind the last that nobody reads.
// The cache has the shape that the instruction wants.
//
//   scores of a block:                             values of a chunk, 64 columns at a time:
//
//            64 keys, 16 rotary pairs at a time             64 columns, 32 keys at a time
//           +-----+-----+-----+-----+                      +-----+-----+-----+-----+
//           | B0  | B1  | B2  | B3  | 16 pairs             | B0  | B1  | B2  | B3  | 16 pairs of keys
//           +-----+-----+-----+-----+                      +-----+-----+-----+-----+
//   +---+   +-----+-----+-----+-----+              +---+   +-----+-----+-----+-----+
//   | A |   | C0  | C1  | C2  | C3  | 16 rows      | A |   | C0  | C1  | C2  | C3  | 16 rows
//   +---+   +-----+-----+-----+-----+              +---+   +-----+-----+-----+-----+
//   panel    scores                         probabilities   weighted sums
//
// Scores are of whole blocks. The softmax makes probabilities of all keys that lie in the 32s of those that any row
// sees, zeros for others: only these 32s are multiplied.
#include "templates/attention/amx_chunk.hpp"

#include <algorithm>
#include <bit>

#include "templates/tile_configuration.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kSumTiles = 4;
constexpr int kPairsPerTile = kTileRows;
constexpr int kTileLanes = kTileRowBytes / 4;  // dwords: keys of scores, columns of values
constexpr int kKeysPerStep = 2 * kTileRows;

// Tiles by role.
class AttentionTiles {
 public:
  explicit AttentionTiles(const AttentionContext& context)
      : a(context.a), last_pairs_(context.spec.heads.pairs() % kPairsPerTile) {}

  // Of the head, where 16 does not divide their number.
  int last_pairs() const { return last_pairs_; }

  Xbyak::Tmm sum(int i) const { return a.name(Xbyak::Tmm(i), {"sum", i}); }
  Xbyak::Tmm rows() const { return a.name(Xbyak::Tmm(kSumTiles), "rows"); }
  Xbyak::Tmm cached() const { return a.name(Xbyak::Tmm(kSumTiles + 1), "cached"); }
  Xbyak::Tmm last_rows() const { return a.name(Xbyak::Tmm(kSumTiles + 2), "last_rows"); }
  Xbyak::Tmm last_cached() const { return a.name(Xbyak::Tmm(kSumTiles + 3), "last_cached"); }

  TileShapes shapes() const {
    TileShapes shapes;
    for (TileShape& shape : shapes) shape.of_activations = false;
    if (last_pairs_ > 0) {
      shapes[static_cast<std::size_t>(last_rows().getIdx())].row_bytes = last_pairs_ * 4;
      shapes[static_cast<std::size_t>(last_cached().getIdx())].rows = last_pairs_;
    }
    return shapes;
  }

 private:
  jit::Assembler& a;
  int last_pairs_;
};

class BlockScores {
 public:
  explicit BlockScores(const AttentionContext& context) : c_(context), a(context.a), tiles_(context) {}

  void emit() {
    const jit::RoleScope scope(a);
    Xbyak::Label block;
    c_.start_blocks(a.rax);
    a.mov(panel_stride(), c_.u32(c_.scratch.panel_row));
    a.mov(pair_stride(), c_.u32(c_.spec.heads.pair_group_bytes()));
    a.mov(scores_stride(), AttentionScratch::kScoresRow);
    a.lea(block_scores(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.scores)]);
    a.mov(blocks_left(), c_.r.chunk_blocks);
    a.L(block);
    c_.next_block(keys());
    rows_of_block();
    a.add(block_scores(), kKvBlock * 4);
    a.dec(blocks_left());
    a.jnz(block, kNear);
  }

 private:
  Xbyak::Reg64 panel() const { return a.name(a.rdi, "panel"); }
  Xbyak::Reg64 keys() const { return a.name(a.rsi, "keys"); }
  Xbyak::Reg64 scores() const { return a.name(a.rdx, "scores"); }
  Xbyak::Reg64 rows_left() const { return a.name(a.rax, "rows_left"); }
  Xbyak::Reg64 panel_stride() const { return a.name(a.rcx, "panel_stride"); }
  Xbyak::Reg64 pair_stride() const { return a.name(a.r8, "pair_stride"); }
  Xbyak::Reg64 scores_stride() const { return a.name(a.r9, "scores_stride"); }
  Xbyak::Reg64 block_scores() const { return a.name(a.r10, "block_scores"); }
  Xbyak::Reg64 blocks_left() const { return a.name(a.r11, "blocks_left"); }

  void rows_of_block() {
    Xbyak::Label rows;
    a.mov(panel(), c_.r.scratch);
    a.mov(scores(), block_scores());
    a.mov(rows_left(), c_.r.query_rows);
    a.L(rows);
    for (int i = 0; i < kSumTiles; ++i) a.tilezero(tiles_.sum(i));
    const int whole = c_.spec.heads.pairs() / kPairsPerTile;
    for (int step = 0; step < whole; ++step) multiply(step, tiles_.rows(), tiles_.cached());
    if (tiles_.last_pairs() > 0) multiply(whole, tiles_.last_rows(), tiles_.last_cached());
    for (int i = 0; i < kSumTiles; ++i)
      a.tilestored(a.ptr[scores() + scores_stride() + jit::offset(i * kTileRowBytes)], tiles_.sum(i));
    a.add(panel(), c_.u32(kTileRows * c_.scratch.panel_row));
    a.add(scores(), kTileRows * AttentionScratch::kScoresRow);
    a.sub(rows_left(), kTileRows);
    a.jg(rows, kNear);
  }

  void multiply(int step, const Xbyak::Tmm& rows, const Xbyak::Tmm& pairs) {
    a.tileloadd(rows, a.ptr[panel() + panel_stride() + jit::offset(step * kTileRowBytes)]);
    const int at = step * kPairsPerTile * c_.spec.heads.pair_group_bytes();
    for (int i = 0; i < kSumTiles; ++i) {
      a.tileloadd(pairs, a.ptr[keys() + pair_stride() + jit::offset(at + i * kTileRowBytes)]);
      a.tdpbf16ps(tiles_.sum(i), rows, pairs);
    }
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  AttentionTiles tiles_;
};

class ChunkValues {
 public:
  explicit ChunkValues(const AttentionContext& context) : c_(context), a(context.a), tiles_(context) {}

  void emit() {
    const jit::RoleScope scope(a);
    a.mov(scores_stride(), AttentionScratch::kScoresRow);
    a.mov(sums_stride(), c_.u32(c_.scratch.values_row));
    a.mov(values_stride(), c_.u32(c_.spec.heads.value_row_bytes()));
    const int tiles = c_.spec.heads.value_columns() / kTileLanes;
    a.lend_rbp(c_.locals.frame);
    for (int tile = 0; tile < tiles; tile += kSumTiles) columns(tile, std::min(kSumTiles, tiles - tile));
    a.reclaim_rbp();
  }

 private:
  Xbyak::Reg64 probabilities() const { return a.name(a.rdi, "probabilities"); }  // of the tile's rows
  Xbyak::Reg64 values() const { return a.name(a.rsi, "values"); }                // of the step
  Xbyak::Reg64 sums() const { return a.name(a.rdx, "sums"); }                    // of the tile's rows
  Xbyak::Reg64 rows_left() const { return a.name(a.rax, "rows_left"); }
  Xbyak::Reg64 values_stride() const { return a.name(a.r8, "values_stride"); }
  Xbyak::Reg64 scores_stride() const { return a.name(a.r9, "scores_stride"); }
  Xbyak::Reg64 sums_stride() const { return a.name(a.r10, "sums_stride"); }
  // Of a row of the chunk's probabilities, two for each key: where the step begins, and where the last one ends.
  Xbyak::Reg64 key_bytes() const { return a.name(a.r11, "key_bytes"); }
  Xbyak::Reg64 end_bytes() const { return a.name(a.rbp, "end_bytes"); }  // all others are taken
  // One register, for one after the other.
  Xbyak::Reg64 block() const { return a.name(a.rcx, "block"); }
  Xbyak::Reg64 of_step() const { return a.name(a.rcx, "probabilities_of_step"); }

  void columns(int first, int count) {
    Xbyak::Label rows;
    a.lea(probabilities(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.scores)]);
    a.lea(sums(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.values + first * kTileRowBytes)]);
    a.mov(rows_left(), c_.r.query_rows);
    a.L(rows);
    for (int i = 0; i < count; ++i) a.tileloadd(tiles_.sum(i), at_sums(i));
    steps(first, count);
    for (int i = 0; i < count; ++i) a.tilestored(at_sums(i), tiles_.sum(i));
    a.add(probabilities(), kTileRows * AttentionScratch::kScoresRow);
    a.add(sums(), c_.u32(kTileRows * c_.scratch.values_row));
    a.sub(rows_left(), kTileRows);
    a.jg(rows, kNear);
  }

  Xbyak::Address at_sums(int i) const {
    return a.ptr[sums() + sums_stride() + jit::offset(i * kTileRowBytes)];
  }

  void steps(int first, int count) {
    Xbyak::Label step;
    a.mov(key_bytes(), c_.local(c_.locals.first_score));
    a.mov(end_bytes(), c_.local(c_.locals.end_score));
    for (const Xbyak::Reg64& bytes : {key_bytes(), end_bytes()})
      a.shr(bytes, 1);  // probabilities are half as long as scores
    a.L(step);
    find_values();
    a.lea(of_step(), a.ptr[probabilities() + key_bytes()]);
    a.tileloadd(tiles_.rows(), a.ptr[of_step() + scores_stride()]);
    for (int i = 0; i < count; ++i) {
      a.tileloadd(tiles_.cached(),
                  a.ptr[values() + values_stride() + jit::offset((first + i) * kTileRowBytes)]);
      a.tdpbf16ps(tiles_.sum(i), tiles_.rows(), tiles_.cached());
    }
    a.add(key_bytes(), kTileRowBytes);
    a.cmp(key_bytes(), end_bytes());
    a.jl(step, kNear);
  }

  // values = the 32 keys' of the block that they are in.
  void find_values() {
    const int bytes_of_step = kKeysPerStep / 2 * c_.spec.heads.value_row_bytes();
    a.mov(block(), key_bytes());
    a.shr(block(), 1);
    a.add(block(), c_.r.chunk_first);
    c_.block_of_slot(block(), values());
    a.mov(values(), key_bytes());
    a.shr(values(), std::countr_zero(static_cast<unsigned>(kTileRowBytes)));
    a.and_(values(), kKvBlock / kKeysPerStep - 1);
    a.imul(values(), values(), bytes_of_step);
    a.lea(values(), a.ptr[values() + block() + jit::offset(c_.spec.heads.key_block_bytes())]);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  AttentionTiles tiles_;
};

}  // namespace

void emit_attention_tiles(const AttentionContext& c) {
  emit_tile_configuration(c.a, AttentionTiles(c).shapes(), c.locals.tile_configuration, c.r.query_rows);
}

void emit_scores_on_tiles(const AttentionContext& context) { BlockScores(context).emit(); }
void emit_values_on_tiles(const AttentionContext& context) { ChunkValues(context).emit(); }

}  // namespace burin::kernels
