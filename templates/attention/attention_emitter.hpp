// State shared by the parts that emit one attention kernel.
#pragma once

#include <functional>

#include "jit/assembler.hpp"
#include "templates/attention/attention_layout.hpp"

namespace burin::kernels {

// General registers by role. The rest are free for walking.
struct AttentionRegisters {
  const jit::Assembler& a;
  Xbyak::Reg64 arguments = a.name(a.rbx, "arguments");
  Xbyak::Reg64 scratch = a.name(a.r12, "scratch");
  Xbyak::Reg64 chunk_first = a.name(a.r13, "chunk_first");    // slot of the chunk's first key
  Xbyak::Reg64 query_rows = a.name(a.r14, "query_rows");      // rows * heads
  Xbyak::Reg64 chunk_blocks = a.name(a.r15, "chunk_blocks");  // 64-key blocks of this chunk
};

// What does not fit into registers, on the stack: bytes from rsp.
struct AttentionLocals {
  int span = 0;                  // KeySpan that is walked
  int spans_left = 8;            // with it
  int blocks = 16;               // walks the table along the chunk
  int blocks_left = 24;          // of the chunk
  int groups_left = 32;          // of value columns
  int end_in_chunk = 40;         // of the span, counted from the chunk's first key; may lie behind the chunk
  int frame = 48;                // rbp, while it serves for something else
  int first_live = 56;           // slots of the span that any row of the call may see: from here
  int end_live = 64;             // to here
  int block_slot = 72;           // the first one of the block at hand
  int skipped = 80;              // bytes of its probabilities before the first key that any row may see
  int key_groups = 88;           // of four keys behind those, up to the last that any row may see
  int last_lead = 96;            // see read_ahead.hpp
  int probabilities = 104;       // of the block at hand and the first query row, from its first key on
  int key_scales = 112;          // int8: of the tile's first key
  int first_score = 120;         // byte of a row of scores where those of a chunk that any row may see begin
  int end_score = 128;           // amx: byte of a row of scores where those end
  int tile_configuration = 192;  // amx
  int bytes = 256;
};

struct AttentionContext {
  jit::Assembler& a;
  const AttentionSpec& spec;
  AttentionScratch scratch;
  AttentionRegisters r;
  AttentionLocals locals;

  Xbyak::Address local(int at) const { return a.qword[a.rsp + jit::offset(at)]; }

  // locals.blocks = the table's entry of the chunk's first block. Overwrites `free`.
  void start_blocks(const Xbyak::Reg64& free) const {
    const jit::RoleScope scope(a);
    a.mov(a.name(free, "entry"), r.chunk_first);
    a.shr(free, 6);
    a.shl(free, 3);
    a.add(free, argument(offsetof(AttentionArguments, blocks)));
    a.mov(local(locals.blocks), free);
  }
  // to = the KV head's part of the block that locals.blocks points at, which moves on to the next.
  void next_block(const Xbyak::Reg64& to) const {
    a.mov(to, local(locals.blocks));
    a.mov(to, a.ptr[to]);
    a.add(to, argument(offsetof(AttentionArguments, head_offset)));
    a.add(local(locals.blocks), 8);
  }

  // to = the KV head's part of the block that holds the slot in `to`. Overwrites `free`.
  void block_of_slot(const Xbyak::Reg64& to, const Xbyak::Reg64& free) const {
    a.shr(to, 6);
    a.mov(free, argument(offsetof(AttentionArguments, blocks)));
    a.mov(to, a.ptr[free + to * 8]);
    a.add(to, argument(offsetof(AttentionArguments, head_offset)));
  }
  // to = the KV head's part of the block behind the one that next_block() gave.
  void block_after(const Xbyak::Reg64& to) const {
    a.mov(to, local(locals.blocks));
    a.mov(to, a.ptr[to]);
    a.add(to, argument(offsetof(AttentionArguments, head_offset)));
  }

  // first, end = keys of the block at locals.block_slot that any row may see; counted from its first key, within 0 .. 64.
  void live_keys(const Xbyak::Reg64& first, const Xbyak::Reg64& end) const {
    a.mov(first, local(locals.first_live));
    a.sub(first, local(locals.block_slot));
    a.mov(end, 0);
    a.cmp(first, end);
    a.cmovl(first, end);
    a.mov(end, kKvBlock);
    a.add(end, local(locals.block_slot));
    a.cmp(end, local(locals.end_live));
    a.cmovg(end, local(locals.end_live));
    a.sub(end, local(locals.block_slot));
  }

  Xbyak::Address argument(std::size_t member) const { return a.ptr[r.arguments + member]; }
  Xbyak::Address argument_qword(std::size_t member) const { return a.qword[r.arguments + member]; }
  std::uint32_t u32(std::int64_t value) const { return static_cast<std::uint32_t>(value); }
  bool bf16_storage() const { return spec.heads.kv == KvStorage::bf16; }
  bool bf16_math() const { return spec.math == AttentionMath::bf16 || on_tiles(); }
  bool int8_math() const { return spec.math == AttentionMath::int8; }
  bool int16_math() const { return spec.math == AttentionMath::int16; }
  bool integer_math() const { return is_integer(spec.math); }
  // Factors of products that a probability consists of: of int8 math, a high byte and a low one.
  int probability_factors() const { return int8_math() ? 2 : 1; }
  // Products of a vector of places, which hold so many numbers each: one by one, as words of every other one, or all at once.
  int products(int numbers) const { return spec.math == AttentionMath::f32 ? numbers : int16_math() ? 2 : 1; }
  bool on_tiles() const { return spec.math == AttentionMath::amx; }
  bool int8_storage() const { return spec.heads.kv == KvStorage::int8; }

  // to = element of an argument's array with a float per head of the call, counted down by `heads_left`.
  void load_of_head(const Xbyak::Xmm& to, std::size_t member, const Xbyak::Reg64& heads_left,
                    const Xbyak::Reg64& scratch_register) const {
    const jit::RoleScope scope(a);
    a.mov(a.name(scratch_register, "of_head"), argument(offsetof(AttentionArguments, heads)));
    a.sub(scratch_register, heads_left);
    a.shl(scratch_register, 2);
    a.add(scratch_register, argument(member));
    a.vmovss(to, a.dword[scratch_register]);
  }
};

inline constexpr int kVectorTileRows = 6;
// int8 math: a probability is 2^8 times its high byte plus its low one, both unsigned.
inline constexpr int kLowProbabilityBits = 8;
// Column vectors of a tile: with 6 rows 24 of 32 accumulators, or 12 of 16.
inline int tile_vectors(const jit::Assembler& a) { return a.vector_registers() == 32 ? 4 : 2; }

// Loops over all query rows in tiles of `most` and one smaller tile; `left` counts down. body(rows) emits the work
// on one tile and moves its pointers on.
void emit_row_tiles(const AttentionContext& context, const Xbyak::Reg64& left, int most,
                    const std::function<void(int rows)>& body);

// Changes the scores of a query row and of the keys it does not see, vector by vector.
class ScoreChanges {
 public:
  // `reach` counts the chunk's keys up to the row's own, as if they went on so far, `heads_left` the call's heads
  // down.
  ScoreChanges(const AttentionContext& context, const Xbyak::Reg64& reach, const Xbyak::Reg64& heads_left)
      : c_(context), a(context.a), reach_(reach), heads_left_(heads_left) {}

  // Before the rows: loads what stays. Keeps vector registers 11 .. 14.
  void emit_start();
  // Before the vectors of a row. Overwrites `free`.
  void emit_row(const Xbyak::Reg64& free);
  // value, the scores at `at`, changed and stored where anything did change. From this vector's first key on, so
  // many are hidden from the row, and so many more, with these, are not behind its last one. Overwrites three
  // scratch registers.
  struct Keys {
    Xbyak::Reg64 hidden;
    Xbyak::Reg64 left;
  };
  void emit(jit::Vector value, const Xbyak::RegExp& at, const Keys& keys, const jit::Vector (&scratch)[3]);

  jit::Vector lowest() const { return a.vector(14, "lowest"); }

 private:
  void cap(jit::Vector value, const jit::Vector (&scratch)[3]);
  void add_slope(jit::Vector value);
  void hide(jit::Vector value, const Xbyak::RegExp& at, const Keys& keys, const jit::Vector (&scratch)[3]);

  jit::Vector cap_factor() const { return a.vector(11, "cap_factor"); }
  jit::Vector slope() const { return a.vector(12, "slope"); }
  jit::Vector distance() const { return a.vector(13, "distance"); }  // of the vector's keys: 0, -1, ...

  const AttentionContext& c_;
  jit::Assembler& a;
  Xbyak::Reg64 reach_;
  Xbyak::Reg64 heads_left_;
};

void emit_query_panel(const AttentionContext& context);  // start: panel, maxima, sums, values
void emit_scores(const AttentionContext& context);       // scores of one chunk
void emit_softmax(const AttentionContext& context);      // scores -> probabilities, values rescaled
void emit_values(const AttentionContext& context);       // values += probabilities * V
void emit_outputs(const AttentionContext& context);      // end: output = values / sums
void emit_store_part(const AttentionContext& context);   // or: sums kept for emit_combine_parts
void emit_combine_parts(const AttentionContext& context);

}  // namespace burin::kernels
