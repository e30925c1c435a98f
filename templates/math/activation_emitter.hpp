// Activation functions, emitted in place.
#pragma once

#include "jit/assembler.hpp"
#include "templates/math/activation_function.hpp"

namespace burin::kernels {

// Registers that are overwritten besides x.
struct ActivationScratch {
  jit::Vector power, first, second;
};

// x = function(x) in every lane, within 1e-6 * max(1, |x|).
void emit_activation(jit::Assembler& a, ActivationFunction function, jit::Vector x,
                     const ActivationScratch& scratch);

}  // namespace burin::kernels
