// Hyperbolic tangent, emitted in place.
#pragma once

#include "jit/assembler.hpp"

namespace burin::kernels {

// What an argument of tanh must be multiplied with before emit_tanh: 2 log2 e.
inline constexpr float kTanhScale = 2.88539008f;

// x = tanh(x / kTanhScale) in every lane, within 3e-7: tanh(y) = 1 - 2 / (1 + e^2y). Callers fold kTanhScale into
// a factor they multiply with anyway. Overwrites both scratch registers.
void emit_tanh(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1);

}  // namespace burin::kernels
