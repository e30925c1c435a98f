#include "templates/prepare/row_preparation.hpp"

#include "templates/prepare/row_norm_emitter.hpp"

namespace burin::kernels {
namespace {

using jit::Vector;
using Xbyak::Xmm;

constexpr int kStep = 32;  // inputs that rows are padded to at least

class RowPreparationEmitter {
 public:
  RowPreparationEmitter(jit::Assembler& assembler, const RowPreparation& preparation,
                        const RowPreparationRegisters& registers)
      : a(assembler),
        p_(preparation),
        r_(registers),
        norm_registers_{r_.input, r_.norm_weight, r_.norm_bias, r_.epsilon, r_.offset},
        norm_(a, p_.norm, p_.rows.inputs, norm_registers_, a.vector(8, "factor"), a.vector(10, "mean")) {}

  void emit() {
    norm_.statistics({value(0), value(1), value(2), value(3), scratch()});
    if (is_int8(p_.rows.type) || p_.rows.has_row_factor())
      a.vmovups(magnitude_mask(), a.vector_constant(0x7fffffff));
    switch (p_.rows.type) {
      case Activation::s8: return quantize_row();
      case Activation::s8row: scale_of_row(); return quantize_row();
      case Activation::f16: exponent_of_row(); return copy_row();
      case Activation::bf16:
      case Activation::f32: return copy_row();
    }
  }

 private:
  // Vector registers by role; 0..3 are accumulators or values in flight, 8 and 10 the norm's.
  Vector value(int i) const { return a.vector(i, {"value", i}); }
  Vector inverse_scale() const { return a.vector(4, "inverse_scale"); }  // int8
  Vector exponent() const { return a.vector(4, "exponent"); }            // f16
  Vector sum() const { return a.vector(5, "sum"); }
  Vector largest() const { return a.vector(6, "largest"); }
  Vector scratch() const { return a.vector(7, "scratch"); }
  Vector magnitude_mask() const { return a.vector(9, "magnitude_mask"); }

  void load(Vector to, int displacement) { norm_.load(to, displacement); }

  void copy_row() {
    const int size = is_half(p_.rows.type) ? 2 : 4;
    a.xor_(r_.offset, r_.offset);
    a.mov(r_.walk, r_.output);
    Xbyak::Label loop;
    a.L(loop);
    for (int bytes = 0; bytes < kStep * 4; bytes += a.vector_bytes()) {
      load(value(0), bytes);
      store(bytes / 4 * size);
    }
    a.add(r_.walk, static_cast<std::uint32_t>(kStep * size));
    next_inputs(kStep, loop);
  }

  // To `loop`, unless the row ends with these inputs.
  void next_inputs(int inputs, Xbyak::Label& loop) {
    a.add(r_.offset, static_cast<std::uint32_t>(inputs * 4));
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
      case Activation::s8:
      case Activation::s8row: break;
    }
  }

  // exponent = of the power of two that brings the row's largest magnitude to 16 .. 32; its inverse is stored behind
  // the row.
  void exponent_of_row() {
    find_largest_of_row();
    a.isa().reduce_max_int32(largest(), scratch());
    const Xmm peak(largest().getIdx());
    a.vmaxss(peak, peak, a.float_constant(1e-30f));  // the exponent of a row of zeros is finite
    a.vgetexpss(peak, peak, peak);
    a.vsubss(peak, peak, a.float_constant(4));
    const Xmm factor(scratch().getIdx());
    a.vmovss(factor, a.float_constant(1));
    a.vscalefss(factor, factor, peak);
    a.vmovss(a.dword[r_.output + jit::offset(p_.rows.value_bytes())], factor);
    a.vbroadcastss(exponent(), peak);
    a.isa().bit_xor(exponent(), exponent(), a.vector_constant(0x80000000));
  }

  // In the lanes of largest().
  void find_largest_of_row() {
    Xbyak::Label loop;
    a.zero(largest());
    a.xor_(r_.offset, r_.offset);
    a.L(loop);
    raise_largest(kStep);
    next_inputs(kStep, loop);
  }

  // largest = max(largest, |y|) of so many inputs behind the offset. Magnitudes are compared as integers, of which what is no
  // number is the largest: it spoils the sums then, as it should, where a comparison of floats would drop it.
  void raise_largest(int inputs) {
    for (int i = 0; i < inputs / a.lanes(); ++i) {
      load(value(i % 4), i * a.vector_bytes());
      a.isa().bit_and(value(i % 4), value(i % 4), magnitude_mask());
      a.vpmaxsd(largest(), largest(), value(i % 4));
    }
  }

  void quantize_row() {
    a.xor_(r_.offset, r_.offset);
    a.mov(r_.walk, r_.output);
    Xbyak::Label loop;
    a.L(loop);
    if (p_.rows.scales_groups()) scale_of_group();
    group_codes();
    group_correction();
    a.add(r_.walk, static_cast<std::uint32_t>(p_.rows.group_bytes()));
    next_inputs(p_.rows.group, loop);
  }

  void scale_of_row() {
    find_largest_of_row();
    scale_of_largest(a.dword[r_.output + jit::offset(p_.rows.value_bytes())]);
  }

  void scale_of_group() {
    a.zero(largest());
    raise_largest(p_.rows.group);
    scale_of_largest(a.dword[r_.walk + kGroupScale]);
  }

  // Stores max|y|/127 and leaves 127/max|y| (0 for zeros) in inverse_scale.
  void scale_of_largest(const Xbyak::Address& scale) {
    a.isa().reduce_max_int32(largest(), scratch());
    const Xmm peak(largest().getIdx());
    const Xmm quotient(scratch().getIdx());
    a.vmulss(quotient, peak, a.float_constant(1.0f / 127.0f));
    a.vmovss(scale, quotient);
    // 127 / max(peak, tiny): for a group of zeros every code is 0 whatever the finite factor.
    a.vmaxss(peak, peak, a.float_constant(1e-30f));
    a.vmovss(quotient, a.float_constant(127.0f));
    a.vdivss(quotient, quotient, peak);
    a.vbroadcastss(inverse_scale(), quotient);
  }

  // What group_codes() goes through without a loop.
  int part() const { return part_of_group(p_.rows.group, kLargestActivationGroup); }

  // Of several parts in a loop; offset and walk are in the end as before.
  void group_codes() {
    const int parts = p_.rows.group / part();
    a.zero(sum());
    if (parts == 1) return part_codes();
    Xbyak::Label loop;
    a.mov(r_.parts_left, static_cast<std::uint32_t>(parts));
    a.L(loop);
    part_codes();
    walk(part());
    a.dec(r_.parts_left);
    a.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
    walk(-p_.rows.group);
  }

  void walk(int inputs) {
    a.add(r_.walk, static_cast<std::uint32_t>(inputs));
    a.add(r_.offset, static_cast<std::uint32_t>(inputs * 4));
  }

  void part_codes() {
    for (int i = 0; i < part() / a.lanes(); ++i) {
      const Vector v = value(i % 4);
      load(v, i * a.vector_bytes());
      a.vmulps(v, v, inverse_scale());
      a.vcvtps2dq(v, v);
      a.vpaddd(sum(), sum(), v);
      a.isa().store_as_int8(r_.walk + jit::offset(p_.rows.header_bytes() + i * a.lanes()), v, scratch());
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
      if (p_.rows.scales_groups()) a.vmulss(total, total, a.dword[r_.walk + kGroupScale]);
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

RowPreparationRegisters row_preparation_registers(const jit::Assembler& a, const Xbyak::Address& epsilon) {
  return {a.name(a.rsi, "input"),
          a.name(a.rdx, "output"),
          a.name(a.r8, "norm_weight"),
          a.name(a.r11, "norm_bias"),
          epsilon,
          a.name(a.r9, "offset"),
          a.name(a.r10, "walk"),
          a.name(a.r12, "parts_left")};
}

void emit_row_preparation(jit::Assembler& a, const RowPreparation& preparation,
                          const RowPreparationRegisters& registers) {
  RowPreparationEmitter(a, preparation, registers).emit();
}

}  // namespace burin::kernels
