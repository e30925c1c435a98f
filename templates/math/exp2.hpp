// 2^x by range reduction and a polynomial, emitted in place.
#pragma once

#include <numbers>

#include "jit/assembler.hpp"

namespace burin::kernels {

// e^x is 2^(x * kLog2E).
inline constexpr float kLog2E = std::numbers::log2e_v<float>;

// x = 2^x in every lane; x above 126 counts as 126; results below 2^-126 may be 0, below 2^-150 they are. Relative
// error below 2e-7. Method: n = round(x), 2^(x-n) by the degree-6 polynomial of Cephes exp2f, scaled by 2^n.
// Overwrites both scratch registers.
void emit_exp2(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1);

// The same for what is rounded to bf16 then, on AVX-512 only: relative error below 8e-5, where the
// rounding's is 4e-3 at most. A polynomial of degree 3 (minimax, by Remez' exchange), and no bounds to keep: vscalefps takes
// any exponent. Its coefficients stay in four vector registers from `first` on: loops of it are bound by loads.
void emit_exp2_coefficients_for_bf16(jit::Assembler& a, int first);
void emit_exp2_for_bf16(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1,
                        int first);

}  // namespace burin::kernels
