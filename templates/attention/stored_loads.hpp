// What a cache stores becomes what products take: a position or column per lane, as f32, or as dwords that bf16 and int8 math
// multiply at once.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

// In f32 math, the element `which` of those that share a place; in int16 math, words of the even ones or of the odd ones.
inline void emit_load_stored(const AttentionContext& c, jit::Vector to, const Xbyak::Address& from,
                             int which) {
  jit::Assembler& a = c.a;
  if (c.spec.heads.kv == KvStorage::f16) return a.vcvtph2ps(to, from);
  a.vmovups(to, from);
  if (c.int16_math()) {
    if (which == 0) a.vpsllw(to, to, 8);
    a.vpsraw(to, to, 8);
  }
  if (c.spec.math != AttentionMath::f32) return;
  if (c.int8_storage()) {
    constexpr int kTop = 24;
    if (which < 3) a.vpslld(to, to, static_cast<std::uint8_t>(kTop - 8 * which));
    a.vpsrad(to, to, kTop);
    a.vcvtdq2ps(to, to);
  } else if (c.bf16_storage() && which == 0) {
    a.vpslld(to, to, 16);
  } else if (c.bf16_storage()) {
    a.isa().bit_and(to, to, a.vector_constant(0xffff0000));
  }
}

}  // namespace burin::kernels
