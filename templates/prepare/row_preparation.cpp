#include "templates/prepare/row_preparation.hpp"

#include "templates/prepare/row_norm_emitter.hpp"

namespace burin::kernels {
namespace {

using jit::Vector;
using Xbyak::Xmm;

class RowPreparationEmitter {
 public:
  RowPreparationEmitter(jit::Assembler& assembler, const RowPreparation& preparation,
                        const RowPreparationRegisters& registers)
      : a(assembler),
        p_(preparation),
        r_(registers),
        norm_registers_{r_.input, r_.norm_weight, r_.norm_bias, r_.epsilon, r_.offset},
        norm_(a, p_.norm, p_.rows.inputs, norm_registers_, a.vector(8), a.vector(10)) {}

  void emit() {
    norm_.statistics({value(0), value(1), value(2), value(3), scratch()});
    switch (p_.rows.type) {
      case Activation::s8: quantize_row(); break;
      case Activation::f16: scale_row(); break;
      case Activation::bf16:
      case Activation::f32: break;
    }
    if (p_.rows.type != Activation::s8) copy_row();
  }

 private:
  // Vector registers by role; 0..3 are accumulators or values in flight, 8 and 10 the norm's.
  Vector value(int i) const { return a.vector(i); }
  Vector inverse_scale() const { return a.vector(4); }  // s8
  Vector exponent() const { return a.vector(4); }       // f16
  Vector sum() const { return a.vector(5); }
  Vector largest() const { return a.vector(6); }
  Vector scratch() const { return a.vector(7); }
  Vector magnitude_mask() const { return a.vector(9); }

  void load(Vector to, int displacement) { norm_.load(to, displacement); }

  void copy_row() {
    const int size = is_half(p_.rows.type) ? 2 : 4;
    a.xor_(r_.offset, r_.offset);
    a.mov(r_.walk, r_.output);
    Xbyak::Label loop;
    a.L(loop);
    for (int bytes = 0; bytes < 128; bytes += a.vector_bytes()) {
      load(value(0), bytes);
      store(bytes / 4 * size);
    }
    a.add(r_.walk, static_cast<std::uint32_t>(32 * size));
    a.add(r_.offset, 128);
    a.cmp(r_.offset, static_cast<std::uint32_t>(p_.rows.padded * 4));
    a.jl(loop, Xbyak::CodeGenerator::T_NEAR);
  }

  // value(0), so far behind r_.walk
  void store(int bytes) {
    const Xbyak::Address to = a.ptr[r_.walk + jit::offset(bytes)];
    const Xbyak::Ymm halves(scratch().getIdx());
    switch (p_.rows.type) {
      case Activation::f32: a.vmovups(to, value(0)); break;
      case Activation::bf16:
        a.vcvtneps2bf16(halves, Xbyak::Zmm(value(0).getIdx()));
        a.vmovups(to, halves);
        break;
      case Activation::f16:
        a.vscalefps(value(0), value(0), exponent());
        a.vcvtps2ph(to, Xbyak::Zmm(value(0).getIdx()), 0);  // to nearest even
        break;
      case Activation::s8: break;
    }
  }

  // exponent = of the power of two that brings the row's largest magnitude to 16 .. 32; its inverse is stored behind
  // the row.
  void scale_row() {
    a.vmovups(magnitude_mask(), a.vector_constant(0x7fffffff));
    a.zero(largest());
    a.xor_(r_.offset, r_.offset);
    Xbyak::Label loop;
    a.L(loop);
    for (int i = 0; i < 128 / a.vector_bytes(); ++i) raise_largest(i);
    a.add(r_.offset, 128);
    a.cmp(r_.offset, static_cast<std::uint32_t>(p_.rows.padded * 4));
    a.jl(loop, Xbyak::CodeGenerator::T_NEAR);
    a.isa().reduce_max(largest(), scratch());
    const Xmm peak(largest().getIdx());
    a.vmaxss(peak, peak, a.float_constant(1e-30f));  // the exponent of a row of zeros is finite
    a.vgetexpss(peak, peak, peak);
    a.vsubss(peak, peak, a.float_constant(4));
    const Xmm factor(scratch().getIdx());
    a.vmovss(factor, a.float_constant(1));
    a.vscalefss(factor, factor, peak);
    a.vmovss(a.dword[r_.output + jit::offset(p_.rows.padded * 2)], factor);
    a.vbroadcastss(exponent(), peak);
    a.isa().bit_xor(exponent(), exponent(), a.vector_constant(0x80000000));
  }

  // largest = max(largest, |y|) of the vector number i behind the offset
  void raise_largest(int i) {
    load(value(i % 4), i * a.vector_bytes());
    a.isa().bit_and(value(i % 4), value(i % 4), magnitude_mask());
    a.vmaxps(largest(), largest(), value(i % 4));
  }

  void quantize_row() {
    a.vmovups(magnitude_mask(), a.vector_constant(0x7fffffff));
    a.xor_(r_.offset, r_.offset);
    a.mov(r_.walk, r_.output);
    Xbyak::Label loop;
    a.L(loop);
    group_scale();
    group_codes();
    group_correction();
    a.add(r_.walk, static_cast<std::uint32_t>(p_.rows.group_bytes()));
    a.add(r_.offset, static_cast<std::uint32_t>(p_.rows.group * 4));
    a.cmp(r_.offset, static_cast<std::uint32_t>(p_.rows.padded * 4));
    a.jl(loop, Xbyak::CodeGenerator::T_NEAR);
  }

  int vectors_per_group() const { return p_.rows.group / a.lanes(); }

  // Stores max|y|/127 and leaves 127/max|y| (0 for a group of zeros) in inverse_scale.
  void group_scale() {
    a.zero(largest());
    for (int i = 0; i < vectors_per_group(); ++i) raise_largest(i);
    a.isa().reduce_max(largest(), scratch());
    const Xmm peak(largest().getIdx());
    const Xmm quotient(scratch().getIdx());
    a.vmulss(quotient, peak, a.float_constant(1.0f / 127.0f));
    a.vmovss(a.dword[r_.walk + 4], quotient);
    // 127 / max(peak, tiny): for a group of zeros every code is 0 whatever the finite factor.
    a.vmaxss(peak, peak, a.float_constant(1e-30f));
    a.vmovss(quotient, a.float_constant(127.0f));
    a.vdivss(quotient, quotient, peak);
    a.vbroadcastss(inverse_scale(), quotient);
  }

  void group_codes() {
    a.zero(sum());
    for (int i = 0; i < vectors_per_group(); ++i) {
      const Vector v = value(i % 4);
      load(v, i * a.vector_bytes());
      a.vmulps(v, v, inverse_scale());
      a.vcvtps2dq(v, v);
      a.vpaddd(sum(), sum(), v);
      a.isa().store_as_int8(r_.walk + jit::offset(8 + i * a.lanes()), v, scratch());
    }
  }

  void group_correction() {
    a.isa().reduce_add_int32(sum(), scratch());
    const Xmm total(sum().getIdx());
    if (p_.zero_point >= 0) {
      a.vmovd(Xmm(scratch().getIdx()), a.int32_constant(-p_.zero_point));
      a.vpmulld(total, total, Xmm(scratch().getIdx()));
    } else {
      a.vcvtdq2ps(total, total);
      a.vmulss(total, total, a.dword[r_.walk + 4]);
    }
    a.vmovd(a.dword[r_.walk], total);
  }

  jit::Assembler& a;
  const RowPreparation& p_;
  const RowPreparationRegisters& r_;
  RowNormRegisters norm_registers_;
  RowNormEmitter norm_;
};

}  // namespace

RowPreparation row_preparation(std::int64_t inputs, const WeightFormat& weights, Activation activation,
                               RowNorm norm) {
  return {activation_rows(activation, inputs, weights), norm, weights.symmetric ? weights.zero_point() : -1};
}

void emit_row_preparation(jit::Assembler& a, const RowPreparation& preparation,
                          const RowPreparationRegisters& registers) {
  RowPreparationEmitter(a, preparation, registers).emit();
}

}  // namespace burin::kernels
