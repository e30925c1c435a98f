// Parts of one row's keys: each leaves a maximum m, a sum s and weighted values v per head, all relative to its own
// maximum. With M the largest m, the whole is
//
//     output = sum of 2^(m - M) v  /  sum of 2^(m - M) s        over the parts, in their order
#include <algorithm>

#include "templates/attention/attention_emitter.hpp"
#include "templates/math/exp2.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;

class PartsCombiner {
 public:
  explicit PartsCombiner(const AttentionContext& context) : c_(context), a(context.a) {}

  void emit() {
    const jit::RoleScope scope(a);
    Xbyak::Label head;
    a.mov(parts(), c_.argument(offsetof(AttentionArguments, part)));
    a.mov(count(), c_.argument(offsetof(AttentionArguments, part_count)));
    a.mov(output(), c_.argument(offsetof(AttentionArguments, output)));
    a.mov(heads_left(), c_.argument(offsetof(AttentionArguments, heads)));
    a.lea(states(), a.ptr[parts() + jit::offset(c_.scratch.largest - c_.scratch.values)]);
    a.L(head);
    find_largest();
    factors_and_sum();
    for (int column = 0; column < c_.spec.heads.value_width(); column += a.lanes()) emit_column(column);
    a.add(parts(), c_.u32(c_.scratch.values_row));
    a.add(states(), 4);
    a.add(output(), c_.u32(c_.spec.heads.value_width() * 4));
    a.dec(heads_left());
    a.jnz(head, kNear);
  }

 private:
  Xbyak::Reg64 parts() const { return a.name(a.rdi, "parts"); }  // values of the head in the first part
  // Its maximum; the sum lies a fixed distance behind.
  Xbyak::Reg64 states() const { return a.name(a.rsi, "states"); }
  Xbyak::Reg64 count() const { return a.name(a.rdx, "count"); }
  Xbyak::Reg64 output() const { return a.name(a.r8, "output"); }
  Xbyak::Reg64 heads_left() const { return a.name(a.r9, "heads_left"); }
  Xbyak::Reg64 at() const { return a.name(a.rcx, "at"); }
  Xbyak::Reg64 left() const { return a.name(a.rax, "left"); }
  Xbyak::Reg64 factor_at() const { return a.name(a.r10, "factor_at"); }

  jit::Vector largest() const { return a.vector(0, "largest"); }
  jit::Vector sum() const { return a.vector(1, "sum"); }
  jit::Vector factor() const { return a.vector(2, "factor"); }
  jit::Vector value() const { return a.vector(3, "value"); }
  jit::Vector scratch(int i) const { return a.vector(4 + i, {"scratch", i}); }

  void for_each_part(const Xbyak::Reg64& first, const std::function<void()>& body) {
    Xbyak::Label loop;
    a.mov(at(), first);
    a.mov(left(), count());
    a.lea(factor_at(), a.ptr[c_.r.scratch + jit::offset(c_.scratch.scores)]);
    a.L(loop);
    body();
    a.add(at(), c_.u32(c_.scratch.part_bytes()));
    a.add(factor_at(), 4);
    a.dec(left());
    a.jnz(loop, kNear);
  }

  void find_largest() {
    a.vbroadcastss(largest(), a.dword[states()]);
    for_each_part(states(), [&] {
      a.vbroadcastss(value(), a.dword[at()]);
      a.vmaxps(largest(), largest(), value());
    });
  }

  // Factors to the scratch's scores; sum = 1 / sum of the parts' sums.
  void factors_and_sum() {
    a.zero(sum());
    for_each_part(states(), [&] {
      a.vbroadcastss(factor(), a.dword[at()]);
      a.vsubps(factor(), factor(), largest());
      emit_exp2(a, factor(), scratch(0), scratch(1));
      a.vmovss(a.dword[factor_at()], Xbyak::Xmm(factor().getIdx()));
      a.vbroadcastss(value(), a.dword[at() + jit::offset(c_.scratch.sums - c_.scratch.largest)]);
      a.vfmadd231ps(sum(), factor(), value());
    });
    const Xbyak::Xmm low(sum().getIdx());
    const Xbyak::Xmm one(value().getIdx());
    a.vmovss(one, a.float_constant(1.0f));
    a.vdivss(low, one, low);
    a.vbroadcastss(sum(), low);
  }

  void emit_column(int column) {
    a.zero(value());
    for_each_part(parts(), [&] {
      a.vbroadcastss(factor(), a.dword[factor_at()]);
      a.vfmadd231ps(value(), factor(), a.ptr[at() + jit::offset(column * 4)]);
    });
    a.vmulps(value(), value(), sum());
    a.isa().store_lanes(output() + jit::offset(column * 4), value(),
                        std::min(a.lanes(), c_.spec.heads.value_width() - column), scratch(0));
  }

  const AttentionContext& c_;
  jit::Assembler& a;
};

}  // namespace

void emit_store_part(const AttentionContext& c) {
  jit::Assembler& a = c.a;
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 to = a.name(a.rdi, "to");
  const Xbyak::Reg64 from = a.name(a.rsi, "from");
  const Xbyak::Reg64 left = a.name(a.rax, "left");
  const Xbyak::Ymm bytes = a.name(a.ymm0, "bytes");
  Xbyak::Label loop;
  a.mov(to, c.argument(offsetof(AttentionArguments, part)));
  a.lea(from, a.ptr[c.r.scratch + jit::offset(c.scratch.values)]);
  a.mov(left, c.u32(c.scratch.part_bytes() / 32));
  a.L(loop);
  a.vmovups(bytes, a.ptr[from]);
  a.vmovups(a.ptr[to], bytes);
  a.add(from, 32);
  a.add(to, 32);
  a.dec(left);
  a.jnz(loop);
}

void emit_combine_parts(const AttentionContext& context) { PartsCombiner(context).emit(); }

}  // namespace burin::kernels
