#include "templates/math/exp2.hpp"

#include <bit>
#include <span>

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

constexpr int kCoarse = 4;
constexpr float kCoarseCoefficients[kCoarse] = {5.5171669e-2f, 2.4261112e-1f, 6.9326099e-1f, 9.9992807e-1f};

Xbyak::Address lanes(jit::Assembler& a, float value) {
  return a.vector_constant(std::bit_cast<std::uint32_t>(value));
}

jit::Vector kept_coefficient(jit::Assembler& a, int first, int number) {
  return a.vector(first + number, {"coefficient", number});
}

jit::Vector emit_polynomial(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1,
                            std::span<const float> coefficients) {
  const jit::Vector exponent = a.name(scratch0, "exponent");
  const jit::Vector polynomial = a.name(scratch1, "polynomial");
  a.isa().round_to_integer(exponent, x);
  a.vsubps(x, x, exponent);
  a.vmovups(polynomial, lanes(a, coefficients[0]));
  for (const float coefficient : coefficients.subspan(1)) a.vfmadd213ps(polynomial, x, lanes(a, coefficient));
  a.isa().scale_by_power_of_two(polynomial, exponent);
  return polynomial;
}

}  // namespace

void emit_exp2(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1) {
  const jit::RoleScope scope(a);
  a.vminps(x, x, lanes(a, 126.0f));
  a.vmaxps(x, x, lanes(a, -1024.0f));
  a.isa().copy(x, emit_polynomial(a, x, scratch0, scratch1, kCoefficients));
}

void emit_exp2_coefficients_for_bf16(jit::Assembler& a, int first) {
  for (int i = 0; i < kCoarse; ++i)
    a.vmovups(kept_coefficient(a, first, i), lanes(a, kCoarseCoefficients[i]));
}

void emit_exp2_for_bf16(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1,
                        int first) {
  const jit::RoleScope scope(a);
  const jit::Vector exponent = a.name(scratch0, "exponent");
  const jit::Vector polynomial = a.name(scratch1, "polynomial");
  a.isa().round_to_integer(exponent, x);
  a.vsubps(x, x, exponent);
  a.isa().copy(polynomial, kept_coefficient(a, first, 0));
  for (int i = 1; i < kCoarse; ++i) a.vfmadd213ps(polynomial, x, kept_coefficient(a, first, i));
  a.isa().scale_by_power_of_two(polynomial, exponent);
  a.isa().copy(x, polynomial);
}

}  // namespace burin::kernels
