#include "templates/math/tanh.hpp"

#include <bit>

#include "templates/math/exp2.hpp"

namespace burin::kernels {

void emit_tanh(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1) {
  const auto lanes = [&](float value) { return a.vector_constant(std::bit_cast<std::uint32_t>(value)); };
  emit_exp2(a, x, scratch0, scratch1);
  a.vmovups(scratch0, lanes(1.0f));
  a.vaddps(x, x, scratch0);
  a.vmovups(scratch1, lanes(2.0f));
  a.vdivps(x, scratch1, x);
  a.vsubps(x, scratch0, x);
}

}  // namespace burin::kernels
