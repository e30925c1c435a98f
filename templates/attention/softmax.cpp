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
#include "templates/attention/row_exponentials.hpp"
#include "templates/attention/softmax_registers.hpp"
#include "templates/attention/value_scales.hpp"
#include "templates/math/exp2.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
// Of a maximum that is kept: of 2^127 that floats have, enough for 2^119 keys.
constexpr float kLargestGrowth = 8;

class SoftmaxRows : private SoftmaxRegisters {
 public:
  explicit SoftmaxRows(const AttentionContext& context)
      : SoftmaxRegisters(context), changes_(context, reach(), heads_left()) {}

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
    emit_exponential_constants(c_);
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
  void query_row() {
    find_largest();
    keep_or_raise_maximum();
    emit_row_exponentials(c_);
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

  // at = the first score, keys_left = keys from there up to the row's own or the span's end, hidden = those before the
  // span or the window.
  void find_keys() {
    a.mov(keys_left(), reach());
    a.cmp(keys_left(), c_.local(c_.locals.end_in_chunk));
    a.cmovg(keys_left(), c_.local(c_.locals.end_in_chunk));
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
    a.sub(keys_left(), at());
    a.sub(hidden(), at());
    a.shl(at(), 2);
  }

  void find_largest() {
    const bool changes_all = c_.spec.soft_cap || c_.spec.alibi;
    Xbyak::Label loop;
    Xbyak::Label some;
    Xbyak::Label next;
    changes_.emit_row(keys_left());
    for (int i = 0; i < 2; ++i) a.isa().copy(largest(i), changes_.lowest());
    find_keys();
    a.L(loop);
    if (!changes_all) largest_where_row_sees_all(some, next);
    a.L(some);
    for (int key = 0; key < keys_at_once(); key += a.lanes()) {
      const Xbyak::RegExp from = scores() + at() + jit::offset(key * 4);
      a.vmovups(value(0), a.ptr[from]);
      changes_.emit(value(0), from, {hidden(), keys_left()}, {scratch(0), scratch(1), scratch(2)});
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
    a.cmp(keys_left(), c_.u32(keys_at_once()));
    a.jl(some, kNear);
    a.test(hidden(), hidden());
    a.jg(some, kNear);
    for (int key = 0; key < keys_at_once(); key += a.lanes()) {
      const jit::Vector to = largest(key / a.lanes() % 2);
      const Xbyak::Address from = score(key);
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
    a.sub(keys_left(), c_.u32(keys));
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

  Xbyak::Address float_lanes(float value) const {
    return a.vector_constant(std::bit_cast<std::uint32_t>(value));
  }

  ScoreChanges changes_;
};

}  // namespace

void emit_softmax(const AttentionContext& context) { SoftmaxRows(context).emit(); }

}  // namespace burin::kernels
