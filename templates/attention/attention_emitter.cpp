// The frame of an attention kernel: chunks of 256 keys with an online softmax
// (Milakov & Gimelshein 2018; Dao et al., FlashAttention, 2022).
//
// Keys are taken in chunks of fixed slots and every query row is computed by itself, in the same order of
// additions whatever the tile: a row's result does not depend on how a prompt was cut into calls.
#include "templates/attention/attention_emitter.hpp"

#include <vector>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/attention/amx_chunk.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kLongestIntegerHead = 1024;  // 127^2 * 128 times this is an int32

void check_integer_math(const AttentionSpec& spec, const jit::Target& target, const std::string& name) {
  std::string math;
  write_field(math, spec.math);
  if (spec.heads.kv != KvStorage::int8)
    fail("kernel {}: {} math needs an int8 cache: use math.f32", name, math);
  if (spec.heads.head_size > kLongestIntegerHead)
    fail("kernel {}: {} math takes heads of up to {}: use math.f32", name, math, kLongestIntegerHead);
  if (!computes(target, spec.math))
    fail("kernel {}: int8 math needs avx512vnni or avxvnni, which {} lacks: use math.int16 or math.f32", name,
         target.name);
}

void check(const AttentionSpec& spec, const jit::Target& target) {
  const std::string name = jit::spec_text(spec);
  if (spec.heads.head_size % 2 != 0 || spec.heads.query_heads % spec.heads.kv_heads != 0)
    fail("kernel {}: head size must be even and query heads a multiple of KV heads", name);
  if (spec.window < 0 || spec.window > INT32_MAX) fail("kernel {}: no such window", name);
  if (spec.math == AttentionMath::f32) return;
  if (is_integer(spec.math)) return check_integer_math(spec, target, name);
  if (spec.math == AttentionMath::amx) {
    if (spec.heads.kv != KvStorage::bf16)
      fail("kernel {}: amx math needs a bf16 cache: use math.int8 for int8, math.f32 for others", name);
    if (!target.has(jit::Feature::amx_bf16))
      fail("kernel {}: amx math needs amx-bf16, which {} lacks: use math.bf16 or math.f32", name,
           target.name);
  }
  if (spec.heads.kv != KvStorage::bf16)
    fail("kernel {}: bf16 math needs a bf16 cache: use math.int8 for int8, math.f32 for others", name);
  if (!target.has(jit::Feature::avx512bf16))
    fail("kernel {}: bf16 math needs avx512bf16, which {} lacks: use math.f32", name, target.name);
}

Xbyak::Address of_span(const AttentionContext& c, const Xbyak::Reg64& span, std::size_t member) {
  return c.a.ptr[span + member];
}

// locals.first_live = the span's first key, that of the first row's window, or the part's.
void first_of_span(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 span = a.name(a.rcx, "span");
  const Xbyak::Reg64 first = a.name(a.rdx, "first");
  const Xbyak::Reg64 slot = a.name(a.rax, "slot");
  a.mov(span, c.local(c.locals.span));
  a.mov(first, of_span(c, span, offsetof(KeySpan, first_slot)));
  if (c.spec.window > 0) {
    a.mov(slot, c.argument(offsetof(AttentionArguments, position)));
    a.sub(slot, c.u32(c.spec.window - 1));
    a.sub(slot, of_span(c, span, offsetof(KeySpan, shift)));
    a.cmp(first, slot);
    a.cmovl(first, slot);
  }
  if (c.spec.parts) {
    a.mov(slot, c.argument(offsetof(AttentionArguments, first_slot)));
    a.cmp(first, slot);
    a.cmovl(first, slot);
  }
  a.mov(c.local(c.locals.first_live), first);
}

// locals.end_live = slot behind the last key of the span that any row of the call sees.
void end_of_span(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 span = a.name(a.rcx, "span");
  const Xbyak::Reg64 end = a.name(a.rax, "end");
  a.mov(span, c.local(c.locals.span));
  a.mov(end, c.argument(offsetof(AttentionArguments, position)));
  a.add(end, c.argument(offsetof(AttentionArguments, rows)));
  a.sub(end, of_span(c, span, offsetof(KeySpan, shift)));
  a.cmp(end, of_span(c, span, offsetof(KeySpan, end_slot)));
  a.cmovg(end, of_span(c, span, offsetof(KeySpan, end_slot)));
  if (c.spec.parts) {
    a.cmp(end, c.argument(offsetof(AttentionArguments, end_slot)));
    a.cmovg(end, c.argument(offsetof(AttentionArguments, end_slot)));
  }
  a.mov(c.local(c.locals.end_live), end);
}

// Wherever a span begins, its chunks end at slots that 256 divides.
void emit_chunks_of_span(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  Xbyak::Label loop;
  Xbyak::Label done;
  const Xbyak::Reg64 left = a.name(a.rax, "left");
  const Xbyak::Reg64 passed = a.name(a.rcx, "passed");
  first_of_span(c);
  end_of_span(c);
  a.mov(c.r.chunk_first, c.local(c.locals.first_live));
  a.cmp(c.r.chunk_first, c.local(c.locals.end_live));
  a.jge(done, kNear);
  a.and_(c.r.chunk_first, static_cast<std::uint32_t>(-kKvBlock));
  a.L(loop);
  a.mov(left, c.local(c.locals.end_live));
  a.sub(left, c.r.chunk_first);
  a.jle(done, kNear);
  a.add(left, kKvBlock - 1);
  a.shr(left, 6);
  a.mov(passed, c.r.chunk_first);
  a.shr(passed, 6);
  a.and_(passed, kChunkBlocks - 1);
  a.mov(c.r.chunk_blocks, kChunkBlocks);
  a.sub(c.r.chunk_blocks, passed);
  a.cmp(left, c.r.chunk_blocks);
  a.cmovl(c.r.chunk_blocks, left);
  c.on_tiles() ? emit_scores_on_tiles(c) : emit_scores(c);
  emit_softmax(c);
  c.on_tiles() ? emit_values_on_tiles(c) : emit_values(c);
  a.add(c.r.chunk_first, kChunkKeys);
  a.and_(c.r.chunk_first, static_cast<std::uint32_t>(-kChunkKeys));
  a.jmp(loop, kNear);
  a.L(done);
}

void emit_chunks(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  Xbyak::Label loop;
  a.mov(a.rax, c.argument(offsetof(AttentionArguments, spans)));
  a.mov(c.local(c.locals.span), a.rax);
  a.mov(a.rax, c.argument(offsetof(AttentionArguments, span_count)));
  a.mov(c.local(c.locals.spans_left), a.rax);
  a.L(loop);
  emit_chunks_of_span(c);
  a.add(c.local(c.locals.span), sizeof(KeySpan));
  a.dec(c.local(c.locals.spans_left));
  a.jnz(loop, kNear);
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

void emit_row_tiles(const AttentionContext& c, const Xbyak::Reg64& left, int most,
                    const std::function<void(int)>& body) {
  jit::Assembler& a = c.a;
  std::vector<Xbyak::Label> sizes(static_cast<std::size_t>(most) + 1);
  const auto size = [&](int rows) -> Xbyak::Label& { return sizes[static_cast<std::size_t>(rows)]; };
  Xbyak::Label loop;
  Xbyak::Label done;
  const jit::RoleScope scope(a);
  a.mov(a.name(left, "rows_left"), c.r.query_rows);
  a.L(loop);
  a.cmp(left, c.u32(most));
  a.jge(size(most), kNear);
  for (int rows = most - 1; rows > 0; --rows) {
    a.cmp(left, c.u32(rows));
    a.je(size(rows), kNear);
  }
  a.jmp(done, kNear);
  for (int rows = 1; rows <= most; ++rows) {
    a.L(size(rows));
    body(rows);
    a.sub(left, c.u32(rows));
    a.jmp(loop, kNear);
  }
  a.L(done);
}

jit::CodeImage emit_attention(const AttentionSpec& spec, const jit::Target& target) {
  check(spec, target);
  jit::Assembler a(target);
  const AttentionContext c{a, spec, AttentionScratch(spec), {a}, {}};
  a.begin_frame(c.locals.bytes, c.r.arguments);
  a.mov(c.r.scratch, c.argument(offsetof(AttentionArguments, scratch)));
  a.mov(c.r.query_rows, c.argument(offsetof(AttentionArguments, rows)));
  a.imul(c.r.query_rows, c.argument(offsetof(AttentionArguments, heads)));
  if (c.on_tiles()) emit_attention_tiles(c);
  if (spec.parts)
    emit_part_or_whole(c);
  else
    emit_whole(c);
  if (c.on_tiles()) a.tilerelease();
  a.end_frame();
  return a.finish(jit::spec_text(spec));
}

}  // namespace burin::kernels
