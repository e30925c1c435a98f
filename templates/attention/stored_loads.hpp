// What a cache stores becomes what products take: a position or column per lane, as f32 or, in bf16 math, as dwords of two
// bf16.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

inline void emit_load_int8(jit::Assembler& a, jit::Vector to, const Xbyak::Address& from) {
  a.vpmovsxbd(to, from);
  a.vcvtdq2ps(to, to);
}

// As dwords of two bf16, `low` in the low halves. Whole numbers up to 127 leave the low half of a float zero.
inline void emit_load_bf16_pairs(jit::Assembler& a, jit::Vector to, const Xbyak::Address& low,
                                 const Xbyak::Address& high, jit::Vector scratch) {
  emit_load_int8(a, to, low);
  a.vpsrld(to, to, 16);
  emit_load_int8(a, scratch, high);
  a.isa().bit_or(to, to, scratch);
}

// Of pairs, the element `which`: those of bf16 are stored together at `from`. In bf16 math both are loaded; the second one
// of int8 is at `second`.
inline void emit_load_stored(const AttentionContext& c, jit::Vector to, const Xbyak::Address& from,
                             const Xbyak::Address& second, int which, jit::Vector scratch) {
  jit::Assembler& a = c.a;
  if (c.spec.heads.kv == KvStorage::f16) return a.vcvtph2ps(to, from);
  if (c.int8_storage() && c.bf16_math()) return emit_load_bf16_pairs(a, to, from, second, scratch);
  if (c.int8_storage()) return emit_load_int8(a, to, from);
  a.vmovups(to, from);
  if (!c.bf16_storage() || c.bf16_math()) return;
  if (which == 0)
    a.vpslld(to, to, 16);
  else
    a.isa().bit_and(to, to, a.vector_constant(0xffff0000));
}

}  // namespace burin::kernels
