// Codes of rotary pairs become what is multiplied together with an int8 cache: two pairs in a dword (head_layout.hpp).
#pragma once

#include "jit/assembler.hpp"

namespace burin::kernels {

// first, second: int32 lanes, the codes (-128 .. 127) of both elements of as many pairs as there are lanes.
//
//     first = | byte 0: x0, byte 1: x1 of pair 0, byte 2: x0, byte 3: x1 of pair 1 | pairs 2 and 3 | ..
//
// in its lower half. Overwrites the rest of it, and `second`.
inline void emit_join_pair_codes(jit::Assembler& a, jit::Vector first, jit::Vector second) {
  a.isa().bit_and(first, first, a.vector_constant(0xff));
  a.isa().bit_and(second, second, a.vector_constant(0xff));
  a.vpslld(second, second, 8);
  a.isa().bit_or(first, first, second);
  a.vpsrlq(second, first, 16);  // an odd pair's bytes are next to the even one's then
  a.isa().bit_or(first, first, second);
  a.isa().even_lanes(first, first);
}

// codes: int32 lanes, -2^15 .. 2^15 - 1, of one element of the pairs. Likewise, the words of two pairs in a dword.
inline void emit_join_words(jit::Assembler& a, jit::Vector codes, jit::Vector scratch) {
  a.isa().bit_and(codes, codes, a.vector_constant(0xffff));
  a.vpsrlq(scratch, codes, 16);
  a.isa().bit_or(codes, codes, scratch);
  a.isa().even_lanes(codes, codes);
}

}  // namespace burin::kernels
