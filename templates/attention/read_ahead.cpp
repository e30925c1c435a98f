#include "templates/attention/read_ahead.hpp"

namespace burin::kernels {
namespace {

// to = the first keys of the next span, from the beginning of their quarter of a block on.
void first_of_next_span(const AttentionContext& c, const Xbyak::Reg64& to, const Xbyak::Reg64& free) {
  jit::Assembler& a = c.a;
  const Xbyak::Address first_slot = a.ptr[free + sizeof(KeySpan) + offsetof(KeySpan, first_slot)];
  a.mov(free, c.local(c.locals.span));
  a.mov(to, first_slot);
  c.block_of_slot(to, free);
  a.mov(free, c.local(c.locals.span));
  a.mov(free, first_slot);
  a.and_(free, kKvBlock - kQuarter);
  a.imul(free, free, c.spec.heads.place_bytes());
  a.add(to, free);
}

}  // namespace

void emit_next_after_keys(const AttentionContext& c, const Xbyak::Reg64& blocks_left, const Xbyak::Reg64& to,
                          const Xbyak::Reg64& free) {
  jit::Assembler& a = c.a;
  Xbyak::Label last;
  Xbyak::Label done;
  a.cmp(blocks_left, 1);
  a.je(last);
  c.block_after(to);
  a.jmp(done);
  a.L(last);
  a.mov(to, c.r.chunk_first);
  c.block_of_slot(to, free);
  a.add(to, c.u32(c.spec.heads.key_block_bytes()));
  a.mov(free, c.local(c.locals.first_live));
  a.sub(free, c.r.chunk_first);
  a.jle(done);
  a.imul(free, free, c.spec.heads.value_row_bytes() / c.spec.heads.slots_per_value_row());
  a.add(to, free);
  a.L(done);
}

void emit_next_after_values(const AttentionContext& c, const Xbyak::Reg64& values, const Xbyak::Reg64& to,
                            const Xbyak::Reg64& free) {
  jit::Assembler& a = c.a;
  Xbyak::Label last;
  Xbyak::Label next_chunk;
  Xbyak::Label done;
  a.cmp(c.local(c.locals.blocks_left), 1);
  a.je(last);
  c.block_after(to);
  a.add(to, c.u32(c.spec.heads.key_block_bytes()));
  a.jmp(done);
  a.L(last);
  a.mov(to, c.local(c.locals.block_slot));
  a.add(to, kKvBlock);
  a.cmp(to, c.local(c.locals.end_live));
  a.jl(next_chunk);
  a.mov(to, values);
  a.cmp(c.local(c.locals.spans_left), 1);
  a.je(done);
  first_of_next_span(c, to, free);
  a.jmp(done);
  a.L(next_chunk);
  c.block_of_slot(to, free);
  a.L(done);
}

void emit_prefetch_scales(const AttentionContext& c, const Xbyak::Reg64& block) {
  const HeadLayout& heads = c.spec.heads;
  for (const int scales : {heads.key_scales_offset(), heads.key_block_bytes() + heads.value_scales_offset()})
    for (int line = 0; line < heads.scales_bytes(); line += 64)
      c.a.prefetch_soon(c.a.ptr[block + jit::offset(scales + line)]);
}

}  // namespace burin::kernels
