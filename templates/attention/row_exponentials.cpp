#include "templates/attention/row_exponentials.hpp"

#include "templates/attention/integer_probabilities.hpp"
#include "templates/attention/softmax_registers.hpp"
#include "templates/math/exp2.hpp"

namespace burin::kernels {
namespace {

constexpr auto kNear = Xbyak::CodeGenerator::T_NEAR;
constexpr int kCoefficients = 16;  // vector registers that stay

// Whether exponentials need be no more exact than what they are rounded to, where registers can hold their coefficients.
bool rounds_probabilities(const AttentionContext& context) {
  return context.bf16_math() || (context.integer_math() && context.a.lanes() == 16);
}

class RowExponentials : private SoftmaxRegisters {
 public:
  using SoftmaxRegisters::SoftmaxRegisters;

  void emit() {
    for (int i = 0; i < 2; ++i) a.zero(sum(i));
    a.mov(at(), c_.local(c_.locals.first_score));
    c_.integer_math() ? integers() : floats();
    add_to_running_sum();
  }

 private:
  void floats() {
    Xbyak::Label loop;
    const Xbyak::Reg64 packed = a.name(a.rax, "packed");  // where probabilities of half the size go
    a.mov(packed, at());
    a.shr(packed, 1);
    a.add(packed, scores());
    a.L(loop);
    for (int i = 0; i < 2; ++i) exponential(i, i * a.lanes(), largest());
    if (c_.bf16_math()) {
      // Sums are of the unrounded probabilities: rounding errors of many keys cancel in the products.
      a.vcvtne2ps2bf16(Xbyak::Zmm(value(0).getIdx()), Xbyak::Zmm(value(1).getIdx()),
                       Xbyak::Zmm(value(0).getIdx()));
      a.vmovups(a.ptr[packed], value(0));
      a.add(packed, c_.u32(a.vector_bytes()));
    } else {
      for (int i = 0; i < 2; ++i) a.vmovups(score(i * a.lanes()), value(i));
    }
    a.add(at(), c_.u32(2 * a.vector_bytes()));
    a.cmp(at(), bytes());
    a.jl(loop, kNear);
  }

  // Block by block, with the chunk's factor in each.
  void integers() {
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
    a.vmovups(value(i), score(key));
    if (c_.int8_storage()) a.vaddps(value(i), value(i), of_values(c_.scratch.exponents, key));
    a.vsubps(value(i), value(i), base);
    exp2(value(i));
    if (!c_.int8_storage()) return a.vaddps(sum(i % 2), sum(i % 2), value(i));
    a.vfmadd231ps(sum(i % 2), value(i), of_values(c_.scratch.inverses, key));
    a.vmulps(value(i), value(i), of_values(c_.scratch.mantissas, key));
  }

  void exp2(jit::Vector x) {
    rounds_probabilities(c_) ? emit_exp2_for_bf16(a, x, scratch(0), scratch(1), kCoefficients)
                             : emit_exp2(a, x, scratch(0), scratch(1));
  }

  void add_to_running_sum() {
    const Xbyak::Xmm total(sum().getIdx());
    a.vaddps(sum(), sum(), sum(1));
    a.isa().reduce_add(sum(), scratch(0));
    if (c_.integer_math()) a.vmulss(total, total, Xbyak::Xmm(factor().getIdx()));
    a.vaddss(total, total, running_sum());
    a.vmovss(running_sum(), total);
  }
};

}  // namespace

void emit_exponential_constants(const AttentionContext& context) {
  if (rounds_probabilities(context)) emit_exp2_coefficients_for_bf16(context.a, kCoefficients);
}

void emit_row_exponentials(const AttentionContext& context) { RowExponentials(context).emit(); }

}  // namespace burin::kernels
