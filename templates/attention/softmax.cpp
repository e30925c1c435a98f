// Online softmax of one chunk, one query row after the other: scores become probabilities relative to a maximum. Where the
// chunk's is larger by more than 2^8, it becomes the new one, and what was summed before is rescaled; probabilities may be
// above one until then (Zadouri et al., FlashAttention-4, 2026). So nearly all rows of later chunks keep theirs, which
// the CPU predicts: it begins with the exponentials before it knows the chunk's maximum.
//
// Where values have scales, all maxima are of scores plus the scales' exponents (value_scales.hpp). In integer math,
// probabilities are relative to the largest one of the chunk, and each block has their factor.
#include <bit>

#include "templates/attention/attention_emitter.hpp"
#include "templates/attention/integer_probabilities.hpp"
#include "templates/attention/value_scales.hpp"
#include "templates/math/exp2.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kCoefficients = 16;  // vector registers that stay
// Of a maximum that is kept: of 2^127 that floats have, enough for 2^119 keys.
constexpr float kLargestGrowth = 8;

class SoftmaxRows {
 public:
  explicit SoftmaxRows(const AttentionContext& context)
      : c_(context), a(context.a), changes_(context, reach(), heads_left()) {}

  void emit() {
    const jit::RoleScope scope(a);
    if (c_.int8_storage()) emit_split_value_scales(c_);
    a.lea(scores(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.scores)]);
    a.lea(values(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.values)]);
    a.lea(state(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.largest)]);
    find_span();
    find_scores();
    if (c_.on_tiles()) a.mov(c_.local(c_.locals.end_score), bytes());
    a.mov(rows_left(), c_.argument(offsetof(AttentionArguments, rows)));
    changes_.emit_start();
    if (rounds_probabilities()) emit_exp2_coefficients_for_bf16(a, kCoefficients);
    Xbyak::Label row;
    Xbyak::Label head;
    a.L(row);
    a.mov(heads_left(), c_.argument(offsetof(AttentionArguments, heads)));
    a.L(head);
    query_row();
    a.add(scores(), AttentionScratch::kScoresRow);
    a.add(values(), c_.u32(c_.scratch.values_row));
    a.add(state(), 4);
    a.dec(heads_left());
    a.jnz(head, kNear);
    a.inc(reach());
    a.dec(rows_left());
    a.jnz(row, kNear);
    a.reclaim_rbp();
  }

 private:
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
  Xbyak::Reg64 lanes_left() const { return a.name(a.rax, "lanes_left"); }
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

  // Whole blocks in integer math; else two vectors, or four.
  int keys_at_once() const { return c_.integer_math() ? kKvBlock : 32; }

  void query_row() {
    find_largest();
    keep_or_raise_maximum();
    exponentials();
    add_sum();
  }

  // Where the span's end is, from the chunk's first key, and how far row 0 reaches.
  void find_span() {
    const Xbyak::Reg64 span = a.name(a.rcx, "span");
    a.lend_rbp(c_.locals.frame);
    a.mov(span, c_.local(c_.locals.span));
    a.mov(a.rax, a.ptr[span + offsetof(KeySpan, end_slot)]);
    a.sub(a.rax, c_.r.chunk_first);
    a.mov(c_.local(c_.locals.end_in_chunk), a.rax);
    a.mov(reach(), c_.argument(offsetof(AttentionArguments, position)));
    a.sub(reach(), a.ptr[span + offsetof(KeySpan, shift)]);
    a.sub(reach(), c_.r.chunk_first);
    a.inc(reach());
  }

  // Which scores of a row of the chunk there are: whole vectors that any row may see.
  void find_scores() {
    const Xbyak::Reg64 first = a.name(a.rax, "first");
    const Xbyak::Reg64 none = a.name(a.rcx, "none");
    a.mov(first, c_.local(c_.locals.first_live));
    a.sub(first, c_.r.chunk_first);
    a.mov(none, 0);
    a.cmovl(first, none);
    a.and_(first, c_.u32(-keys_at_once()));
    a.shl(first, 2);
    a.mov(c_.local(c_.locals.first_score), first);
    a.mov(bytes(), c_.local(c_.locals.end_live));
    a.sub(bytes(), c_.r.chunk_first);
    a.add(bytes(), c_.u32(keys_at_once() - 1));
    a.and_(bytes(), c_.u32(-keys_at_once()));
    a.mov(first, c_.r.chunk_blocks);
    a.shl(first, 6);
    a.cmp(bytes(), first);
    a.cmovg(bytes(), first);
    a.shl(bytes(), 2);
  }

  // at = the first score, lanes_left = keys from there up to the row's own or the span's end, hidden = those before the
  // span or the window.
  void find_keys() {
    a.mov(lanes_left(), reach());
    a.cmp(lanes_left(), c_.local(c_.locals.end_in_chunk));
    a.cmovg(lanes_left(), c_.local(c_.locals.end_in_chunk));
    a.mov(hidden(), c_.local(c_.locals.span));
    a.mov(hidden(), a.ptr[hidden() + offsetof(KeySpan, first_slot)]);
    a.sub(hidden(), c_.r.chunk_first);
    if (c_.spec.window > 0) {
      a.mov(at(), reach());
      a.sub(at(), c_.u32(c_.spec.window));
      a.cmp(hidden(), at());
      a.cmovl(hidden(), at());
    }
    a.mov(at(), c_.local(c_.locals.first_score));
    a.shr(at(), 2);
    a.sub(lanes_left(), at());
    a.sub(hidden(), at());
    a.shl(at(), 2);
  }

  void find_largest() {
    const bool changes_all = c_.spec.soft_cap || c_.spec.alibi;
    Xbyak::Label loop;
    Xbyak::Label some;
    Xbyak::Label next;
    changes_.emit_row(lanes_left());
    for (int i = 0; i < 2; ++i) a.isa().copy(largest(i), changes_.lowest());
    find_keys();
    a.L(loop);
    if (!changes_all) largest_where_row_sees_all(some, next);
    a.L(some);
    for (int key = 0; key < keys_at_once(); key += a.lanes()) {
      const Xbyak::RegExp from = scores() + at() + jit::offset(key * 4);
      a.vmovups(value(0), a.ptr[from]);
      changes_.emit(value(0), from, {hidden(), lanes_left()}, {scratch(0), scratch(1), scratch(2)});
      if (c_.int8_storage()) a.vaddps(value(0), value(0), of_values(c_.scratch.exponents, key));
      a.vmaxps(largest(), largest(), value(0));
      pass_keys(a.lanes());
    }
    a.L(next);
    a.add(at(), c_.u32(keys_at_once() * 4));
    a.cmp(at(), bytes());
    a.jl(loop, kNear);
    a.vmaxps(largest(), largest(), largest(1));
    a.isa().reduce_max(largest(), scratch(0));
  }

  // Of the keys at hand; goes on at `some` where the row does not see all of them, else at `next`.
  void largest_where_row_sees_all(Xbyak::Label& some, Xbyak::Label& next) {
    a.cmp(lanes_left(), c_.u32(keys_at_once()));
    a.jl(some, kNear);
    a.test(hidden(), hidden());
    a.jg(some, kNear);
    for (int key = 0; key < keys_at_once(); key += a.lanes()) {
      const jit::Vector to = largest(key / a.lanes() % 2);
      const Xbyak::Address from = a.ptr[scores() + at() + jit::offset(key * 4)];
      if (!c_.int8_storage()) {
        a.vmaxps(to, to, from);
        continue;
      }
      a.vmovups(value(0), from);
      a.vaddps(value(0), value(0), of_values(c_.scratch.exponents, key));
      a.vmaxps(to, to, value(0));
    }
    pass_keys(keys_at_once());
    a.jmp(next, kNear);
  }

  void pass_keys(int keys) {
    a.sub(lanes_left(), c_.u32(keys));
    a.sub(hidden(), c_.u32(keys));
  }

  // largest = the maximum that probabilities are relative to.
  void keep_or_raise_maximum() {
    const jit::RoleScope scope(a);
    const Xbyak::Xmm of_chunk(largest().getIdx());
    const Xbyak::Xmm limit = a.name(Xbyak::Xmm(scratch(0).getIdx()), "limit");
    Xbyak::Label raise;
    Xbyak::Label done;
    if (c_.integer_math()) {
      a.vbroadcastss(offset(), of_chunk);
      a.vsubps(offset(), offset(), float_lanes(static_cast<float>(probability_bits(c_))));
    }
    a.vmovss(limit, a.float_constant(kLargestGrowth));
    a.vaddss(limit, limit, a.dword[state()]);
    a.vucomiss(of_chunk, limit);
    a.ja(raise, kNear);
    a.vbroadcastss(largest(), a.dword[state()]);
    a.jmp(done, kNear);
    a.L(raise);
    a.vbroadcastss(correction(), a.dword[state()]);
    a.vmovss(a.dword[state()], of_chunk);
    a.vbroadcastss(largest(), of_chunk);
    rescale();
    a.L(done);
  }

  // What was summed relative to `correction`, which becomes 2^(old maximum - new).
  void rescale() {
    a.vsubps(correction(), correction(), largest());
    emit_exp2(a, correction(), scratch(0), scratch(1));
    const Xbyak::Xmm sum_factor(value(0).getIdx());
    a.vmulss(sum_factor, Xbyak::Xmm(correction().getIdx()), running_sum());
    a.vmovss(running_sum(), sum_factor);
    for (int byte = 0; byte < c_.scratch.values_row; byte += a.vector_bytes()) {
      a.vmulps(value(0), correction(), a.ptr[values() + jit::offset(byte)]);
      a.vmovups(a.ptr[values() + jit::offset(byte)], value(0));
    }
  }

  // One of the floats per key that value_scales.hpp makes, from the key at `at` and so many more on.
  Xbyak::Address of_values(int array, int key) const {
    return a.ptr[c_.r.scratch + at() + jit::offset(array + key * 4)];
  }
  Xbyak::Address float_lanes(float value) const {
    return a.vector_constant(std::bit_cast<std::uint32_t>(value));
  }

  void exponentials() {
    for (int i = 0; i < 2; ++i) a.zero(sum(i));
    a.mov(at(), c_.local(c_.locals.first_score));
    c_.integer_math() ? integer_exponentials() : float_exponentials();
  }

  void float_exponentials() {
    Xbyak::Label loop;
    a.mov(lanes_left(), at());  // where probabilities go: in place, or packed to half the size
    a.shr(lanes_left(), 1);
    a.add(lanes_left(), scores());
    a.L(loop);
    for (int i = 0; i < 2; ++i) exponential(i, i * a.lanes(), largest());
    if (c_.bf16_math()) {
      // Sums are of the unrounded probabilities: rounding errors of many keys cancel in the products.
      a.vcvtne2ps2bf16(Xbyak::Zmm(value(0).getIdx()), Xbyak::Zmm(value(1).getIdx()),
                       Xbyak::Zmm(value(0).getIdx()));
      a.vmovups(a.ptr[lanes_left()], value(0));
      a.add(lanes_left(), c_.u32(a.vector_bytes()));
    } else {
      for (int i = 0; i < 2; ++i)
        a.vmovups(a.ptr[scores() + at() + jit::offset(i * a.vector_bytes())], value(i));
    }
    a.add(at(), c_.u32(2 * a.vector_bytes()));
    a.cmp(at(), bytes());
    a.jl(loop, kNear);
  }

  // Block by block, with the chunk's factor in each.
  void integer_exponentials() {
    Xbyak::Label loop;
    a.vsubps(factor(), offset(), largest());
    exp2(factor());
    a.L(loop);
    const int packed = packed_vectors(c_);
    for (int key = 0; key < kKvBlock; key += packed * a.lanes()) {
      for (int i = 0; i < packed; ++i) exponential(i, key + i * a.lanes(), offset());
      emit_store_probabilities(c_, {value(0).getIdx(), scratch(0).getIdx()}, scores() + at(), key);
    }
    a.vmovss(a.dword[scores() + at() + jit::offset(AttentionScratch::kProbabilityFactor)],
             Xbyak::Xmm(factor().getIdx()));
    a.add(at(), kKvBlock * 4);
    a.cmp(at(), bytes());
    a.jl(loop, kNear);
  }

  // value(i) = probabilities relative to 2^base, of keys from so many behind `at` on; to the sum.
  void exponential(int i, int key, jit::Vector base) {
    a.vmovups(value(i), a.ptr[scores() + at() + jit::offset(key * 4)]);
    if (c_.int8_storage()) a.vaddps(value(i), value(i), of_values(c_.scratch.exponents, key));
    a.vsubps(value(i), value(i), base);
    exp2(value(i));
    if (!c_.int8_storage()) return a.vaddps(sum(i % 2), sum(i % 2), value(i));
    a.vfmadd231ps(sum(i % 2), value(i), of_values(c_.scratch.inverses, key));
    a.vmulps(value(i), value(i), of_values(c_.scratch.mantissas, key));
  }

  void exp2(jit::Vector x) {
    rounds_probabilities() ? emit_exp2_for_bf16(a, x, scratch(0), scratch(1), kCoefficients)
                           : emit_exp2(a, x, scratch(0), scratch(1));
  }

  bool rounds_probabilities() const { return c_.bf16_math() || (c_.integer_math() && a.lanes() == 16); }

  void add_sum() {
    const Xbyak::Xmm total(sum().getIdx());
    a.vaddps(sum(), sum(), sum(1));
    a.isa().reduce_add(sum(), scratch(0));
    if (c_.integer_math()) a.vmulss(total, total, Xbyak::Xmm(factor().getIdx()));
    a.vaddss(total, total, running_sum());
    a.vmovss(running_sum(), total);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  ScoreChanges changes_;
};

}  // namespace

void emit_softmax(const AttentionContext& context) { SoftmaxRows(context).emit(); }

}  // namespace burin::kernels
