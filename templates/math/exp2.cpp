#include "templates/math/exp2.hpp"

#include <bit>

namespace burin::kernels {
namespace {

// Highest power first; 1 at the end.
constexpr float kCoefficients[] = {1.535336188319500e-4f,
                                   1.339887440266574e-3f,
                                   9.618437357674640e-3f,
                                   5.550332471162809e-2f,
                                   2.402264791363012e-1f,
                                   6.931472028550421e-1f,
                                   1.0f};

}  // namespace

void emit_exp2(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1) {
  const auto lanes = [&](float value) { return a.vector_constant(std::bit_cast<std::uint32_t>(value)); };
  const jit::RoleScope scope(a);
  const jit::Vector exponent = a.name(scratch0, "exponent");
  const jit::Vector polynomial = a.name(scratch1, "polynomial");

  a.vminps(x, x, lanes(126.0f));
  a.vmaxps(x, x, lanes(-1024.0f));
  a.isa().round_to_integer(exponent, x);
  a.vsubps(x, x, exponent);
  a.vmovups(polynomial, lanes(kCoefficients[0]));
  for (std::size_t i = 1; i < std::size(kCoefficients); ++i)
    a.vfmadd213ps(polynomial, x, lanes(kCoefficients[i]));
  a.isa().scale_by_power_of_two(polynomial, exponent);
  a.isa().copy(x, polynomial);
}

}  // namespace burin::kernels
