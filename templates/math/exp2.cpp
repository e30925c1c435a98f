#include "templates/math/exp2.hpp"

#include <bit>
#include <iterator>

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

void load(jit::Assembler& a, jit::Vector to, const Xbyak::Address& from) { a.vmovups(to, from); }
void load(jit::Assembler& a, jit::Vector to, jit::Vector from) { a.isa().copy(to, from); }

// x = 2^x, by so many coefficients: coefficient(i) is where the i-th is, highest power first.
template <typename Coefficient>
void emit_by_polynomial(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1,
                        int coefficients, const Coefficient& coefficient) {
  const jit::Vector exponent = a.name(scratch0, "exponent");
  const jit::Vector polynomial = a.name(scratch1, "polynomial");
  a.isa().round_to_integer(exponent, x);
  a.vsubps(x, x, exponent);
  load(a, polynomial, coefficient(0));
  for (int i = 1; i < coefficients; ++i) a.vfmadd213ps(polynomial, x, coefficient(i));
  a.isa().scale_by_power_of_two(polynomial, exponent);
  a.isa().copy(x, polynomial);
}

}  // namespace

void emit_exp2(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1) {
  const jit::RoleScope scope(a);
  a.vminps(x, x, lanes(a, 126.0f));
  a.vmaxps(x, x, lanes(a, -1024.0f));
  emit_by_polynomial(a, x, scratch0, scratch1, static_cast<int>(std::size(kCoefficients)),
                     [&](int i) { return lanes(a, kCoefficients[i]); });
}

void emit_exp2_coefficients_for_bf16(jit::Assembler& a, int first) {
  for (int i = 0; i < kCoarse; ++i)
    a.vmovups(kept_coefficient(a, first, i), lanes(a, kCoarseCoefficients[i]));
}

void emit_exp2_for_bf16(jit::Assembler& a, jit::Vector x, jit::Vector scratch0, jit::Vector scratch1,
                        int first) {
  const jit::RoleScope scope(a);
  emit_by_polynomial(a, x, scratch0, scratch1, kCoarse,
                     [&](int i) { return kept_coefficient(a, first, i); });
}

}  // namespace burin::kernels
