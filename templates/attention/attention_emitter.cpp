// The frame of an attention kernel: chunks of 256 keys with an online softmax
// (Milakov & Gimelshein 2018; Dao et al., FlashAttention, 2022).
//
// Keys are taken in chunks at fixed positions and every query row is computed by itself, in the same order of
// additions whatever the tile: a row's result does not depend on how a prompt was cut into calls.
#include "templates/attention/attention_emitter.hpp"

#include "jit/error.hpp"
#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;

void check(const AttentionSpec& spec, const jit::Target& target) {
  const std::string name = jit::spec_text(spec);
  if (spec.heads.head_size % 2 != 0 || spec.heads.query_heads % spec.heads.kv_heads != 0)
    fail("kernel {}: head size must be even and query heads a multiple of KV heads", name);
  if (spec.window < 0 || spec.window > INT32_MAX) fail("kernel {}: no such window", name);
  if (spec.math != AttentionMath::bf16) return;
  if (spec.heads.kv != KvStorage::bf16 && spec.heads.kv != KvStorage::int8)
    fail("kernel {}: bf16 math needs a bf16 or int8 cache: use math.f32", name);
  if (!target.has(jit::Feature::avx512bf16))
    fail("kernel {}: bf16 math needs avx512bf16, which {} lacks: use math.f32", name, target.name);
}

void first_chunk_of_window(const AttentionContext& c, const Xbyak::Reg64& position) {
  jit::Assembler& a = c.a;
  a.mov(position, c.argument(offsetof(AttentionArguments, position)));
  a.sub(position, c.u32(c.spec.window - 1));
  a.cmovg(c.r.chunk_first, position);
  a.and_(c.r.chunk_first, static_cast<std::uint32_t>(-kChunkKeys));
}

// The chunk of the first position in the first row's window, or of the part's first key.
void first_chunk(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const Xbyak::Reg64 position = a.rax;
  a.xor_(c.r.chunk_first, c.r.chunk_first);
  if (c.spec.window > 0) first_chunk_of_window(c, position);
  if (!c.spec.parts) return;
  a.mov(position, c.argument(offsetof(AttentionArguments, first_key)));
  a.cmp(c.r.chunk_first, position);
  a.cmovl(c.r.chunk_first, position);
}

void emit_chunks(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  Xbyak::Label loop;
  Xbyak::Label done;
  const Xbyak::Reg64 left = a.rax;
  first_chunk(c);
  a.L(loop);
  // Blocks from the chunk's start to the last row's own position: (position + rows - first + 63) / 64.
  a.mov(left, c.argument(offsetof(AttentionArguments, position)));
  a.add(left, c.argument(offsetof(AttentionArguments, rows)));
  if (c.spec.parts) {
    a.cmp(left, c.argument(offsetof(AttentionArguments, end_key)));
    a.cmovg(left, c.argument(offsetof(AttentionArguments, end_key)));
  }
  a.sub(left, c.r.chunk_first);
  a.jle(done, kNear);
  a.add(left, kKvBlock - 1);
  a.shr(left, 6);
  a.mov(c.r.chunk_blocks, kChunkBlocks);
  a.cmp(left, c.r.chunk_blocks);
  a.cmovl(c.r.chunk_blocks, left);
  emit_scores(c);
  emit_softmax(c);
  emit_values(c);
  a.add(c.r.chunk_first, kChunkKeys);
  a.jmp(loop, kNear);
  a.L(done);
}

void emit_whole(const AttentionContext& c) {
  emit_query_panel(c);
  emit_chunks(c);
  emit_outputs(c);
}

void emit_part_or_whole(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  Xbyak::Label combine;
  Xbyak::Label whole;
  Xbyak::Label done;
  a.cmp(c.argument_qword(offsetof(AttentionArguments, part_count)), 0);
  a.jne(combine, kNear);
  emit_query_panel(c);
  emit_chunks(c);
  a.cmp(c.argument_qword(offsetof(AttentionArguments, part)), 0);
  a.je(whole, kNear);
  emit_store_part(c);
  a.jmp(done, kNear);
  a.L(whole);
  emit_outputs(c);
  a.jmp(done, kNear);
  a.L(combine);
  emit_combine_parts(c);
  a.L(done);
}

}  // namespace

void emit_row_tiles(const AttentionContext& c, const Xbyak::Reg64& left,
                    const std::function<void(int)>& body) {
  jit::Assembler& a = c.a;
  Xbyak::Label sizes[kTileRows + 1];
  Xbyak::Label loop;
  Xbyak::Label done;
  a.mov(left, c.r.query_rows);
  a.L(loop);
  a.cmp(left, kTileRows);
  a.jge(sizes[kTileRows], kNear);
  for (int rows = kTileRows - 1; rows > 0; --rows) {
    a.cmp(left, c.u32(rows));
    a.je(sizes[rows], kNear);
  }
  a.jmp(done, kNear);
  for (int rows = 1; rows <= kTileRows; ++rows) {
    a.L(sizes[rows]);
    body(rows);
    a.sub(left, c.u32(rows));
    a.jmp(loop, kNear);
  }
  a.L(done);
}

jit::CodeImage emit_attention(const AttentionSpec& spec, const jit::Target& target) {
  check(spec, target);
  jit::Assembler a(target);
  const AttentionContext c{a, spec, AttentionScratch(spec), {}};
  a.begin_frame(0);
  a.mov(c.r.arguments, a.rdi);
  a.mov(c.r.scratch, c.argument(offsetof(AttentionArguments, scratch)));
  a.mov(c.r.query_rows, c.argument(offsetof(AttentionArguments, rows)));
  a.imul(c.r.query_rows, c.argument(offsetof(AttentionArguments, heads)));
  if (spec.parts)
    emit_part_or_whole(c);
  else
    emit_whole(c);
  a.end_frame();
  return a.finish(jit::spec_text(spec));
}

}  // namespace burin::kernels
