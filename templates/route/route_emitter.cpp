// Choosing is done by repeated search for the largest logit, which then becomes -infinity: for the few experts
// that models use this is cheaper than sorting. Weights are e^(logit - largest), divided at the end.
#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "jit/assembler.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "templates/math/exp2.hpp"
#include "templates/route/route_spec.hpp"
#include "templates/row_loop.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr std::int64_t kStep = 16;  // lists on the stack are padded to a multiple of it
constexpr std::int64_t kMostExperts = 4096;
constexpr float kLeast = -3e38f;  // stands for NaN and -infinity: only what is chosen or barred is less
constexpr std::uint32_t kMinusInfinity = 0xff800000u;

using jit::Vector;
using Xbyak::Xmm;

std::int64_t padded(std::int64_t count) { return (count + kStep - 1) / kStep * kStep; }

// Stack: [logits][powers][largest logit of each group], each padded; -infinity behind logits and groups.
class RouteEmitter {
 public:
  RouteEmitter(const RouteSpec& spec, const jit::Target& target) : a(target), s_(spec) {}

  jit::CodeImage emit() {
    a.begin_frame(static_cast<int>(4 * (2 * padded(s_.experts) + padded(s_.groups))), arguments());
    a.mov(input(), a.ptr[arguments() + offsetof(RouteArguments, logits)]);
    a.mov(output(), a.ptr[arguments() + offsetof(RouteArguments, routes)]);
    a.mov(rows(), a.ptr[arguments() + offsetof(RouteArguments, rows)]);
    emit_row_loop(a, rows(), [&] {
      row();
      a.add(input(), bytes(s_.input_stride));
      a.add(output(), bytes(s_.output_stride));
    });
    a.end_frame();
    return a.finish(jit::spec_text(s_));
  }

 private:
  Xbyak::Reg64 arguments() const { return a.name(a.rbx, "arguments"); }
  Xbyak::Reg64 input() const { return a.name(a.rsi, "input"); }
  Xbyak::Reg64 output() const { return a.name(a.rdx, "output"); }
  Xbyak::Reg64 rows() const { return a.name(a.r12, "rows"); }
  Xbyak::Reg64 offset() const { return a.name(a.r9, "offset"); }  // bytes into a list
  Xbyak::Reg64 found() const { return a.name(a.r10, "found"); }   // likewise
  Xbyak::Reg64 picks() const { return a.name(a.r8, "picks"); }
  Xbyak::Reg64 end() const { return a.name(a.r11, "end"); }
  Xbyak::Reg32 word() const { return a.name(a.eax, "word"); }

  Vector value() const { return a.vector(0, "value"); }
  Vector largest() const { return a.vector(1, "largest"); }
  Vector sum() const { return a.vector(2, "sum"); }
  Vector scratch(int i) const { return a.vector(3 + i, {"scratch", i}); }
  static Xmm lowest(Vector v) { return Xmm(v.getIdx()); }

  static std::uint32_t bytes(std::int64_t count) { return static_cast<std::uint32_t>(count * 4); }
  Xbyak::Address lanes(float x) { return a.vector_constant(std::bit_cast<std::uint32_t>(x)); }
  Xbyak::RegExp logits() const { return Xbyak::RegExp(Xbyak::util::rsp); }
  Xbyak::RegExp powers() const { return Xbyak::util::rsp + jit::offset(4 * padded(s_.experts)); }
  Xbyak::RegExp groups() const { return Xbyak::util::rsp + jit::offset(8 * padded(s_.experts)); }
  std::int64_t group_size() const { return s_.experts / s_.groups; }

  void row() {
    copy_logits();
    compute_powers();
    if (s_.groups > 1) choose_groups();
    choose_experts();
    write_routes();
    scale_weights();
  }

  // NaNs and what is below kLeast become kLeast; behind the last logit is -infinity.
  void copy_logits() {
    const std::int64_t whole = s_.experts / a.lanes() * a.lanes();
    Xbyak::Label loop;
    if (whole > 0) {
      a.xor_(offset(), offset());
      a.L(loop);
      a.vmovups(value(), a.ptr[input() + offset()]);
      a.vmaxps(value(), value(), lanes(kLeast));
      a.vmovups(a.ptr[logits() + offset()], value());
      a.add(offset(), static_cast<std::uint32_t>(a.vector_bytes()));
      a.cmp(offset(), bytes(whole));
      a.jl(loop, kNear);
    }
    for (std::int64_t i = whole; i < padded(s_.experts); ++i) {
      const Xbyak::Address place = a.dword[logits() + jit::offset(4 * i)];
      if (i >= s_.experts) {
        a.mov(place, kMinusInfinity);
        continue;
      }
      a.vmovss(lowest(value()), a.dword[input() + jit::offset(4 * i)]);
      a.vmaxss(lowest(value()), lowest(value()), a.float_constant(kLeast));
      a.vmovss(place, lowest(value()));
    }
  }

  // largest() = the largest of a padded list, in every lane.
  void find_largest(const Xbyak::RegExp& list, std::int64_t count) {
    a.vmovups(largest(), a.ptr[list]);
    for (std::int64_t i = a.lanes(); i < padded(count); i += a.lanes())
      a.vmaxps(largest(), largest(), a.ptr[list + jit::offset(4 * i)]);
    a.isa().reduce_max(largest(), scratch(0));
    a.vbroadcastss(largest(), lowest(largest()));
  }

  // powers = e^(logit - largest); sum() = their sum.
  void compute_powers() {
    find_largest(logits(), s_.experts);
    a.zero(sum());
    a.xor_(offset(), offset());
    Xbyak::Label loop;
    a.L(loop);
    a.vmovups(value(), a.ptr[logits() + offset()]);
    a.vsubps(value(), value(), largest());
    a.vmulps(value(), value(), lanes(kLog2E));
    emit_exp2(a, value(), scratch(0), scratch(1));
    a.vmovups(a.ptr[powers() + offset()], value());
    a.vaddps(sum(), sum(), value());
    a.add(offset(), static_cast<std::uint32_t>(a.vector_bytes()));
    a.cmp(offset(), bytes(padded(s_.experts)));
    a.jl(loop, kNear);
    a.isa().reduce_add(sum(), scratch(0));
  }

  // found() = place of the first of the largest in a padded list, which becomes -infinity.
  void take_largest(const Xbyak::RegExp& list, std::int64_t count) {
    find_largest(list, count);
    Xbyak::Label search;
    a.mov(found(), static_cast<std::uint64_t>(-4));
    a.L(search);
    a.add(found(), 4);
    a.vucomiss(lowest(largest()), a.dword[list + found()]);
    a.jne(search);
    a.mov(a.dword[list + found()], kMinusInfinity);
  }

  void choose_groups() {
    largest_of_groups();
    a.mov(picks(), static_cast<std::uint32_t>(s_.groups_used));
    Xbyak::Label loop;
    a.L(loop);
    take_largest(groups(), s_.groups);
    a.dec(picks());
    a.jnz(loop, kNear);
    bar_other_groups();
  }

  void largest_of_groups() {
    for (std::int64_t group = 0; group < padded(s_.groups); ++group)
      a.mov(a.dword[groups() + jit::offset(4 * group)], kMinusInfinity);
    each_logit([&] {
      a.vmovss(lowest(value()), a.dword[groups() + found()]);
      a.vmaxss(lowest(value()), lowest(value()), a.dword[logits() + offset()]);
      a.vmovss(a.dword[groups() + found()], lowest(value()));
    });
  }

  // The chosen groups are those that -infinity stands for.
  void bar_other_groups() {
    each_logit([&] {
      Xbyak::Label chosen;
      a.cmp(a.dword[groups() + found()], kMinusInfinity);
      a.je(chosen);
      a.mov(a.dword[logits() + offset()], kMinusInfinity);
      a.L(chosen);
    });
  }

  // body() with the logit's place in offset() and its group's in found().
  template <typename Body>
  void each_logit(Body body) {
    Xbyak::Label group;
    Xbyak::Label logit;
    a.xor_(offset(), offset());
    a.xor_(found(), found());
    a.L(group);
    a.lea(end(), a.ptr[offset() + bytes(group_size())]);
    a.L(logit);
    body();
    a.add(offset(), 4);
    a.cmp(offset(), end());
    a.jl(logit, kNear);
    a.add(found(), 4);
    a.cmp(found(), bytes(s_.groups));
    a.jl(group, kNear);
  }

  // Powers of the chosen get their sign set.
  void choose_experts() {
    a.mov(picks(), static_cast<std::uint32_t>(s_.used));
    Xbyak::Label loop;
    a.L(loop);
    take_largest(logits(), s_.experts);
    a.or_(a.dword[powers() + found()], 0x80000000u);
    a.dec(picks());
    a.jnz(loop, kNear);
  }

  // In ascending order, with their powers for weights; where weights are normalised, sum() is of them only.
  void write_routes() {
    if (s_.normalise) a.zero(sum());
    a.xor_(offset(), offset());
    a.mov(picks(), output());
    Xbyak::Label loop;
    Xbyak::Label next;
    a.L(loop);
    a.mov(word(), a.dword[powers() + offset()]);
    a.test(word(), word());
    a.jns(next, kNear);
    a.and_(word(), 0x7fffffff);
    a.mov(a.dword[picks() + bytes(s_.used)], word());
    if (s_.normalise) a.vaddss(lowest(sum()), lowest(sum()), a.dword[picks() + bytes(s_.used)]);
    a.mov(word(), offset().cvt32());
    a.shr(word(), 2);
    a.mov(a.dword[picks()], word());
    a.add(picks(), 4);
    a.L(next);
    a.add(offset(), 4);
    a.cmp(offset(), bytes(s_.experts));
    a.jl(loop, kNear);
  }

  void scale_weights() {
    const Xmm factor = a.name(lowest(scratch(0)), "factor");
    a.vmovss(factor, a.dword[arguments() + offsetof(RouteArguments, scale)]);
    a.vdivss(factor, factor, lowest(sum()));
    for (std::int64_t i = 0; i < s_.used; ++i) {
      const Xbyak::Address weight = a.dword[output() + bytes(s_.used + i)];
      a.vmulss(lowest(value()), factor, weight);
      a.vmovss(weight, lowest(value()));
    }
  }

  jit::Assembler a;
  const RouteSpec& s_;
};

}  // namespace

jit::CodeImage emit_route(const RouteSpec& spec, const jit::Target& target) {
  const auto refuse = [&](std::string_view why) { fail("kernel {}: {}", jit::spec_text(spec), why); };
  if (spec.experts < 1 || spec.experts > kMostExperts) refuse("n must be 1 to 4096");
  if (spec.groups < 1 || spec.experts % spec.groups != 0) refuse("groups do not fill the n experts");
  if (spec.groups_used < 1 || spec.groups_used > spec.groups) refuse("topgroups must be 1 to groups");
  if (spec.used < 1 || spec.used > spec.experts / spec.groups * spec.groups_used)
    refuse("top must be at least 1 and at most the experts of topgroups groups");
  if (spec.output_stride < 2 * spec.used) refuse("os must be at least twice top");
  return RouteEmitter(spec, target).emit();
}

}  // namespace burin::kernels
