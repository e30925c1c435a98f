#include "templates/prepare/row_preparation.hpp"

namespace burin::kernels {
namespace {

constexpr int kUnroll = 4;

using jit::Vector;
using Xbyak::Xmm;

class RowPreparationEmitter {
 public:
  RowPreparationEmitter(jit::Assembler& assembler, const RowPreparation& preparation,
                        const RowPreparationRegisters& registers)
      : a(assembler), p_(preparation), r_(registers) {}

  void emit() {
    if (p_.norm == RowNorm::rms) inverse_rms();
    if (p_.rows.type == Activation::f32)
      copy_row();
    else
      quantize_row();
  }

 private:
  // Vector registers by role; 0..3 are accumulators or values in flight.
  Vector value(int i) const { return a.vector(i); }
  Vector inverse_scale() const { return a.vector(4); }
  Vector sum() const { return a.vector(5); }
  Vector largest() const { return a.vector(6); }
  Vector scratch() const { return a.vector(7); }
  Vector row_factor() const { return a.vector(8); }
  Vector magnitude_mask() const { return a.vector(9); }

  // row_factor = 1 / sqrt(mean of squares + epsilon), in all lanes.
  void inverse_rms() {
    for (int i = 0; i < kUnroll; ++i) a.zero(value(i));
    const std::int64_t bytes = p_.rows.padded * 4;
    const int step = kUnroll * a.vector_bytes();
    a.xor_(r_.offset, r_.offset);
    // padded is a multiple of 32 floats = 128 bytes, which 4 ymm cover exactly and 2 zmm too.
    const int unroll = bytes % step == 0 ? kUnroll : 2;
    Xbyak::Label loop;
    a.L(loop);
    for (int i = 0; i < unroll; ++i) {
      a.vmovups(scratch(), a.ptr[r_.input + r_.offset + jit::offset(i * a.vector_bytes())]);
      a.vfmadd231ps(value(i), scratch(), scratch());
    }
    a.add(r_.offset, static_cast<std::uint32_t>(unroll * a.vector_bytes()));
    a.cmp(r_.offset, static_cast<std::uint32_t>(bytes));
    a.jl(loop, Xbyak::CodeGenerator::T_NEAR);
    a.vaddps(value(0), value(0), value(1));
    a.vaddps(value(2), value(2), value(3));
    a.vaddps(value(0), value(0), value(2));
    a.isa().reduce_add(value(0), scratch());
    const Xmm mean(value(0).getIdx());
    const Xmm one(scratch().getIdx());
    a.vmulss(mean, mean, a.float_constant(1.0f / static_cast<float>(p_.rows.inputs)));
    a.vaddss(mean, mean, r_.epsilon);
    a.vsqrtss(mean, mean, mean);
    a.vmovss(one, a.float_constant(1.0f));
    a.vdivss(mean, one, mean);
    a.vbroadcastss(row_factor(), mean);
  }

  // value = normalised input at input + offset + displacement.
  void load(Vector to, int displacement) {
    a.vmovups(to, a.ptr[r_.input + r_.offset + jit::offset(displacement)]);
    if (p_.norm == RowNorm::none) return;
    a.vmulps(to, to, row_factor());
    a.vmulps(to, to, a.ptr[r_.norm_weight + r_.offset + jit::offset(displacement)]);
  }

  void copy_row() {
    a.xor_(r_.offset, r_.offset);
    Xbyak::Label loop;
    a.L(loop);
    for (int bytes = 0; bytes < 128; bytes += a.vector_bytes()) {
      load(value(0), bytes);
      a.vmovups(a.ptr[r_.output + r_.offset + jit::offset(bytes)], value(0));
    }
    a.add(r_.offset, 128);
    a.cmp(r_.offset, static_cast<std::uint32_t>(p_.rows.padded * 4));
    a.jl(loop, Xbyak::CodeGenerator::T_NEAR);
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
    for (int i = 0; i < vectors_per_group(); ++i) {
      load(value(i % 4), i * a.vector_bytes());
      a.isa().bit_and(value(i % 4), value(i % 4), magnitude_mask());
      a.vmaxps(largest(), largest(), value(i % 4));
    }
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
    if (p_.zero_code >= 0) {
      a.vmovd(Xmm(scratch().getIdx()), a.int32_constant(-p_.zero_code));
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
};

}  // namespace

RowPreparation row_preparation(std::int64_t inputs, const WeightFormat& weights, Activation activation,
                               RowNorm norm) {
  return {activation_rows(activation, inputs, weights), norm, weights.symmetric ? weights.zero_code() : -1};
}

void emit_row_preparation(jit::Assembler& a, const RowPreparation& preparation,
                          const RowPreparationRegisters& registers) {
  RowPreparationEmitter(a, preparation, registers).emit();
}

}  // namespace burin::kernels
