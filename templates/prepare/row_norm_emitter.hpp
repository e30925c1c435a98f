// Normalisation of one row of f32 values, emitted in place: the row's statistics first, then value by value.
#pragma once

#include "jit/assembler.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::kernels {

// Registers the emitted code is given; all but offset are kept.
struct RowNormRegisters {
  Xbyak::Reg64 input;      // f32 row, zero from `inputs` up to a multiple of 32
  Xbyak::Reg64 weight;     // f32, zero in the same places; unused without norm
  Xbyak::Reg64 bias;       // the same; layer only
  Xbyak::Address epsilon;  // f32 in memory; unused without norm
  Xbyak::Reg64 offset;     // bytes from the row's start
};

class RowNormEmitter {
 public:
  // `factor` and `mean` are vector registers that keep the row's statistics.
  RowNormEmitter(jit::Assembler& assembler, RowNorm norm, std::int64_t inputs,
                 const RowNormRegisters& registers, jit::Vector factor, jit::Vector mean)
      : RowNormEmitter(assembler, norm, inputs, inputs, registers, factor, mean) {}
  // `inputs` places, of which `count` hold values; the others are zeros (layer: only behind the values).
  RowNormEmitter(jit::Assembler& assembler, RowNorm norm, std::int64_t inputs, std::int64_t count,
                 const RowNormRegisters& registers, jit::Vector factor, jit::Vector mean)
      : a(assembler),
        norm_(norm),
        inputs_(inputs),
        count_(count),
        r_(registers),
        factor_(factor),
        mean_(mean) {}

  // Computes the statistics. Overwrites the offset and `scratch` (five registers).
  void statistics(const jit::Vector (&scratch)[5]);

  // to = the normalised values at offset + displacement.
  void load(jit::Vector to, int displacement);
  // value, of that place, becomes the normalised value.
  void apply(jit::Vector value, int displacement);

 private:
  static constexpr int kAccumulators = 4;

  template <typename Add>
  void sum_over_row(const jit::Vector (&scratch)[5], Add add);
  void mean_of_row(const jit::Vector (&scratch)[5]);
  void inverse_deviation(const jit::Vector (&scratch)[5]);
  Xbyak::Address first_lanes_mask(int lanes);

  jit::Assembler& a;
  RowNorm norm_;
  std::int64_t inputs_;
  std::int64_t count_;
  const RowNormRegisters& r_;
  jit::Vector factor_;
  jit::Vector mean_;
};

}  // namespace burin::kernels
