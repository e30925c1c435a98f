// Prologue injector: one row of f32 activations, normalised if asked, to a row a GEMM reads.
#pragma once

#include "jit/assembler.hpp"
#include "templates/activation_rows.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::kernels {

struct RowPreparation {
  ActivationRows rows;
  RowNorm norm = RowNorm::none;
  // Symmetric weights' zero point for the integer correction; -1: float correction (asymmetric weights).
  int zero_point = 0;
};

// The preparation that GEMMs with these weights need.
RowPreparation row_preparation(std::int64_t inputs, const WeightFormat& weights, Activation activation,
                               RowNorm norm);

// Registers the emitted code is given; all but epsilon's are kept.
struct RowPreparationRegisters {
  Xbyak::Reg64 input;        // f32 row, zero between `inputs` and `padded`
  Xbyak::Reg64 output;       // row in the layout of `rows`
  Xbyak::Reg64 norm_weight;  // f32, `padded` long, zero past `inputs`; unused without norm
  Xbyak::Reg64 norm_bias;    // the same; unused without layer norm
  Xbyak::Address epsilon;    // f32 in memory; unused without norm
  Xbyak::Reg64 offset;       // scratch
  Xbyak::Reg64 walk;         // scratch
  Xbyak::Reg64 parts_left;   // scratch
};

// rsi, rdx, r8 and r11; r9, r10 and r12.
RowPreparationRegisters row_preparation_registers(const jit::Assembler& a, const Xbyak::Address& epsilon);

// Quantisation: scale = max|y| / 127 per group (s8row: of the row, in a pass of its own), codes rounded to nearest even;
// a group of zeros has scale 0, one of magnitudes below 1e-30 may lose its digits.
// Overwrites vector registers 0..11.
void emit_row_preparation(jit::Assembler& a, const RowPreparation& preparation,
                          const RowPreparationRegisters& registers);

}  // namespace burin::kernels
