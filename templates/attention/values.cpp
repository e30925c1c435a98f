// Adds probabilities times values of one chunk to the running sums.
//
//                 64 value columns: 4 zmm (2 ymm: 16 columns)
//               +--------+--------+--------+--------+
//   query row 0 | accumulators, loaded from scratch  |
//     ...       |                                    |     per key (bf16 math: pair of keys, int8: four): load
//   query row 5 |                                    |     its values, broadcast each row's probability
//               +--------+--------+--------+--------+
//
//                 128 columns: 8 zmm (8 ymm: 64)
//   query row 0 +--------+--------+--------+--------+--------+--------+--------+--------+
//     ...       | up to 3 rows (ymm: 1)                                                 |
//               +--------+--------+--------+--------+--------+--------+--------+--------+
#include <algorithm>
#include <bit>

#include "templates/attention/attention_emitter.hpp"
#include "templates/attention/product_tile.hpp"
#include "templates/attention/read_ahead.hpp"
#include "templates/attention/stored_loads.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kUnrolledKeys = 4;
constexpr int kWideVectors = 8;  // of columns, for few rows

// From a key's to the next, of each factor.
int probability_bytes(const AttentionContext& c) {
  return c.int8_math() ? 1 : c.bf16_math() || c.int16_math() ? 2 : 4;
}

class ValueTile {
 public:
  ValueTile(const AttentionContext& context, int query_rows, int vectors)
      : c_(context),
        a(context.a),
        ahead_(context, body_bytes(), a.r10),
        tile_(context, query_rows, vectors, {"value", "probability", false, context.probability_factors()}) {}

  // Of the tile's first row, at the block's first key.
  Xbyak::Reg64 probabilities() const { return a.name(a.rdi, "probabilities"); }
  // Of the block, at the tile's first column.
  Xbyak::Reg64 block_values() const { return a.name(a.rsi, "block_values"); }
  // Of the tile's first row, at the tile's first column.
  Xbyak::Reg64 sums() const { return a.name(a.rdx, "sums"); }

  const ReadAhead& ahead() const { return ahead_; }
  // Of unrolled keys and all columns.
  int body_bytes() const { return kUnrolledKeys / keys_per_row() * row_bytes(); }

  void emit() {
    const jit::RoleScope scope(a);
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v)
        c_.integer_math() ? a.zero(tile_.sum(row, v)) : a.vmovups(tile_.sum(row, v), sum_address(row, v));
    a.mov(walking_probabilities(), probabilities());
    a.add(walking_probabilities(), c_.local(c_.locals.skipped));
    a.mov(walking_values(), block_values());
    a.mov(keys_left(), c_.local(c_.locals.key_groups));
    ahead_.emit_start();
    Xbyak::Label loop;
    a.align(32);
    a.L(loop);
    ahead_.emit_body(keys_left());
    for (int key = 0; key < kUnrolledKeys; key += keys_per_row()) key_row(key);
    a.add(walking_probabilities(), c_.u32(kUnrolledKeys * probability_bytes(c_)));
    a.add(walking_values(), c_.u32(body_bytes()));
    a.dec(keys_left());
    a.jnz(loop, kNear);
    c_.integer_math() ? add_to_sums() : store_sums();
    a.add(probabilities(), c_.u32(tile_.query_rows() * AttentionScratch::kScoresRow));
    a.add(sums(), c_.u32(tile_.query_rows() * c_.scratch.values_row));
  }

 private:
  Xbyak::Reg64 walking_probabilities() const { return a.name(a.r8, "walking_probabilities"); }
  Xbyak::Reg64 walking_values() const { return a.name(a.r9, "walking_values"); }
  Xbyak::Reg64 keys_left() const { return a.name(a.rcx, "keys_left"); }

  Xbyak::Address sum_address(int row, int v) const {
    return a.ptr[sums() + jit::offset(row * c_.scratch.values_row + v * a.vector_bytes())];
  }

  void store_sums() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) a.vmovups(sum_address(row, v), tile_.sum(row, v));
  }

  // The block's products are whole numbers, with a factor per row.
  void add_to_sums() {
    const jit::Vector factor = tile_.free(0, "factor");
    for (int row = 0; row < tile_.query_rows(); ++row) {
      const int at = row * AttentionScratch::kScoresRow + AttentionScratch::kProbabilityFactor;
      a.vbroadcastss(factor, a.dword[probabilities() + jit::offset(at)]);
      for (int v = 0; v < tile_.vectors(); ++v) {
        const jit::Vector products = tile_.emit_to_floats(row, v);
        a.vfmadd213ps(products, factor, sum_address(row, v));
        a.vmovups(sum_address(row, v), products);
      }
    }
  }

  int keys_per_row() const { return c_.spec.heads.slots_per_value_row(); }
  int row_bytes() const { return c_.spec.heads.value_row_bytes(); }
  int vector_columns_bytes() const { return a.lanes() * c_.spec.heads.place_bytes(); }

  void key_row(int key) {
    const int at = key / keys_per_row() * row_bytes();
    for (int line = 0; line < tile_.vectors() * vector_columns_bytes(); line += 64)
      ahead_.emit_prefetch(walking_values() + jit::offset(at + line));
    for (int which = 0; which < c_.products(keys_per_row()); ++which)
      tile_.emit([&](jit::Vector to, int v) { emit_load_stored(c_, to, value_address(at, v), which); },
                 [&](jit::Vector to, int row) {
                   load_probability(to, row, key * probability_bytes(c_) + which * 4);
                 });
  }

  Xbyak::Address value_address(int at, int v) const {
    return a.ptr[walking_values() + jit::offset(at + v * vector_columns_bytes())];
  }

  void load_probability(jit::Vector to, int row, int byte) {
    const int of_row = row / c_.probability_factors() * AttentionScratch::kScoresRow +
                       row % c_.probability_factors() * AttentionScratch::kLowProbabilities;
    a.vbroadcastss(to, a.dword[walking_probabilities() + jit::offset(of_row + byte)]);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  ReadAhead ahead_;
  ProductTile tile_;
};

// Tiles of so many rows and column vectors.
struct ColumnTile {
  int rows;
  int vectors;
};

// All rows for `vectors` column vectors; block_columns walks along the values' columns, sum_columns likewise.
void emit_column_group(const AttentionContext& c, const ColumnTile& tile, const Xbyak::Reg64& block_columns,
                       const Xbyak::Reg64& sum_columns) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const ValueTile any(c, 1, tile.vectors);
  a.mov(any.block_values(), block_columns);
  a.mov(any.sums(), sum_columns);
  a.mov(any.probabilities(), c.local(c.locals.probabilities));
  emit_row_tiles(c, a.rax, tile.rows, [&](int rows) { ValueTile(c, rows, tile.vectors).emit(); });
  a.add(block_columns, c.u32(tile.vectors * a.lanes() * c.spec.heads.place_bytes()));
  a.add(sum_columns, c.u32(tile.vectors * a.vector_bytes()));
}

// All rows and columns.
void emit_column_groups(const AttentionContext& c, const ColumnTile& tile, const Xbyak::Reg64& block_columns,
                        const Xbyak::Reg64& sum_columns) {
  jit::Assembler& a = c.a;
  const int vectors = c.scratch.values_row / a.vector_bytes();
  if (const int groups = vectors / tile.vectors; groups > 0) {
    const Xbyak::Address groups_left = c.local(c.locals.groups_left);
    Xbyak::Label loop;
    a.mov(groups_left, c.u32(groups));
    a.L(loop);
    emit_column_group(c, tile, block_columns, sum_columns);
    a.dec(groups_left);
    a.jnz(loop, kNear);
  }
  if (const int rest = vectors % tile.vectors; rest > 0)
    emit_column_group(c, {tile.rows, rest}, block_columns, sum_columns);
}

// Few rows take values as fast as memory gives them, if they are read from front to back: by a tile that is wide. More
// rows than it holds would widen and load each value several times.
void emit_products(const AttentionContext& c, const Xbyak::Reg64& block_columns,
                   const Xbyak::Reg64& sum_columns) {
  jit::Assembler& a = c.a;
  const ColumnTile many = {kVectorTileRows / c.probability_factors(), tile_vectors(a)};
  const ColumnTile few = {(a.vector_registers() - 2) / (kWideVectors + 1) / c.probability_factors(),
                          kWideVectors};
  if (few.rows == 0 || c.scratch.values_row / a.vector_bytes() <= many.vectors)
    return emit_column_groups(c, many, block_columns, sum_columns);
  Xbyak::Label several;
  Xbyak::Label done;
  a.cmp(c.r.query_rows, c.u32(few.rows));
  a.jg(several, kNear);
  emit_column_groups(c, few, block_columns, sum_columns);
  a.jmp(done, kNear);
  a.L(several);
  emit_column_groups(c, many, block_columns, sum_columns);
  a.L(done);
}

// Moves on to the first values that any row sees, and counts them. Keys are taken in fours; one that a row does not see
// has probability zero.
void emit_skip_keys(const AttentionContext& c, const Xbyak::Reg64& values) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 first = a.name(a.rax, "first");
  const Xbyak::Reg64 end = a.name(a.rcx, "end");
  const Xbyak::Reg64 bytes = a.name(a.rdx, "bytes");
  c.live_keys(first, end);
  a.and_(first, static_cast<std::uint32_t>(-kUnrolledKeys));
  a.imul(bytes, first, probability_bytes(c));
  a.mov(c.local(c.locals.skipped), bytes);
  a.sub(end, first);
  a.add(end, kUnrolledKeys - 1);
  a.shr(end, std::countr_zero(static_cast<unsigned>(kUnrolledKeys)));
  a.mov(c.local(c.locals.key_groups), end);
  a.imul(bytes, first, c.spec.heads.value_row_bytes() / c.spec.heads.slots_per_value_row());
  a.add(values, bytes);
}

// After emit_skip_keys().
void emit_read_ahead(const AttentionContext& c, const Xbyak::Reg64& values) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const ValueTile any(c, 1, 1);
  const Xbyak::Reg64 next = a.name(a.rax, "next");
  const Xbyak::Reg64 last = a.name(a.rcx, "last");
  const Xbyak::Reg64 none = a.name(a.rdx, "none");
  emit_next_after_values(c, values, next, last);
  a.mov(last, c.local(c.locals.key_groups));
  a.xor_(none, none);
  a.sub(last, c.u32(any.ahead().last_bodies()));
  a.cmovl(last, none);
  a.imul(last, last, any.body_bytes());
  a.add(last, values);
  any.ahead().emit_next(next, last);
}

}  // namespace

void emit_values(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 block_probabilities = a.name(a.r10, "block_probabilities");
  const Xbyak::Reg64 block_columns = a.name(a.r11, "block_columns");
  const Xbyak::Reg64 sum_columns = a.name(a.rbp, "sum_columns");  // all others are taken

  const Xbyak::Address blocks_left = c.local(c.locals.blocks_left);
  a.lend_rbp(c.locals.frame);
  c.start_blocks(a.rax);
  a.mov(blocks_left, c.r.chunk_blocks);
  a.mov(c.local(c.locals.block_slot), c.r.chunk_first);
  a.lea(block_probabilities, a.ptr[c.r.scratch + jit::offset(c.scratch.scores)]);
  Xbyak::Label block_loop;
  a.L(block_loop);
  c.next_block(block_columns);
  a.add(block_columns, c.u32(c.spec.heads.key_block_bytes()));
  emit_skip_keys(c, block_columns);
  a.mov(c.local(c.locals.probabilities), block_probabilities);
  emit_read_ahead(c, block_columns);
  a.lea(sum_columns, a.ptr[c.r.scratch + jit::offset(c.scratch.values)]);
  emit_products(c, block_columns, sum_columns);
  a.mov(block_probabilities, c.local(c.locals.probabilities));
  a.add(block_probabilities, c.u32(kKvBlock * (c.bf16_math() ? 2 : 4)));
  a.add(c.local(c.locals.block_slot), kKvBlock);
  a.dec(blocks_left);
  a.jnz(block_loop, kNear);
  a.reclaim_rbp();
}

}  // namespace burin::kernels
