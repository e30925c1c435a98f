// What an int8 cache becomes in registers: a position or column per lane.
#pragma once

#include "jit/assembler.hpp"

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

}  // namespace burin::kernels
