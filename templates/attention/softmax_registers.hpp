// What the softmax of one query row has in registers, shared by its two passes over a row of scores: the maximum
// (softmax.cpp) and the exponentials (row_exponentials.cpp).
#pragma once

#include "templates/attention/attention_emitter.hpp"
#include "templates/attention/value_scales.hpp"

namespace burin::kernels {

class SoftmaxRegisters {
 public:
  explicit SoftmaxRegisters(const AttentionContext& context) : c_(context), a(context.a) {}

  Xbyak::Reg64 scores() const { return a.name(a.rdi, "scores"); }
  Xbyak::Reg64 values() const { return a.name(a.rsi, "values"); }
  Xbyak::Reg64 state() const { return a.name(a.rdx, "state"); }
  // Keys from the chunk's first to the row's own; one more per row.
  Xbyak::Reg64 reach() const { return a.name(a.r8, "reach"); }
  // Of a row of scores, up to those that any row may see.
  Xbyak::Reg64 bytes() const { return a.name(a.r9, "bytes"); }
  Xbyak::Reg64 rows_left() const { return a.name(a.r10, "rows_left"); }
  Xbyak::Reg64 heads_left() const { return a.name(a.r11, "heads_left"); }
  Xbyak::Reg64 at() const { return a.name(a.rcx, "at"); }
  Xbyak::Reg64 keys_left() const { return a.name(a.rax, "keys_left"); }
  // Keys at the chunk's start that the row does not see.
  Xbyak::Reg64 hidden() const { return a.name(a.rbp, "hidden"); }

  jit::Vector largest(int i = 0) const { return a.vector(i, {"largest", i > 0 ? i : -1}); }
  jit::Vector value(int i) const { return a.vector(2 + i, {"value", i}); }
  jit::Vector sum(int i = 0) const { return a.vector(6 + i, {"sum", i > 0 ? i : -1}); }
  jit::Vector scratch(int i) const { return a.vector(8 + i, {"scratch", i}); }
  jit::Vector correction() const { return a.vector(15, "correction"); }
  // Integer math: what its probabilities are relative to, the chunk's maximum less their bits, and 2^(this - maximum).
  jit::Vector offset() const { return a.vector(1, "offset"); }
  jit::Vector factor() const { return a.vector(15, "factor"); }

  Xbyak::Address running_sum() const {
    return a.dword[state() + jit::offset(c_.scratch.sums - c_.scratch.largest)];
  }
  // The score at `at`, and so many keys on.
  Xbyak::Address score(int key) const { return a.ptr[scores() + at() + jit::offset(key * 4)]; }
  // One of the arrays that value_scales.hpp makes, likewise.
  Xbyak::Address of_values(int array, int key) const {
    return a.ptr[c_.r.scratch + at() + jit::offset(array + key * 4)];
  }

  // Whole blocks in integer math; else two vectors, or four.
  int keys_at_once() const { return c_.integer_math() ? kKvBlock : 32; }

 protected:
  const AttentionContext& c_;
  jit::Assembler& a;
};

}  // namespace burin::kernels
