#include "templates/math/activation_emitter.hpp"

#include <bit>

#include "templates/math/exp2.hpp"

namespace burin::kernels {
namespace {

constexpr float kTwiceSqrt2OverPi = 1.59576912f;
constexpr float kSqrtHalf = 0.70710678f;

// erfc(z) = t (c0 + t (c1 + ...)) e^(-z^2) with t = 1 / (1 + kErfc z), z >= 0, within 1.5e-7
// (Abramowitz & Stegun 7.1.26). Highest power first.
constexpr float kErfc = 0.3275911f;
constexpr float kErfcPolynomial[] = {1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f};

class ActivationEmitter {
 public:
  ActivationEmitter(jit::Assembler& assembler, jit::Vector x, const ActivationScratch& scratch)
      : a(assembler), x_(x), s_(scratch) {}

  // power = 1 + 2^(-x log2 e): what silu divides by.
  void silu_divisor() {
    a.vmulps(s_.power, x_, lanes(-kLog2E));
    one_plus_power();
  }

  // x/2 (1 + tanh(y/2)) = x / (1 + e^-y): power = that divisor, y = 2 sqrt(2/pi) (x + 0.044715 x^3).
  void gelu_tanh_divisor() {
    a.vmulps(s_.power, x_, x_);
    a.vmulps(s_.power, s_.power, lanes(-0.044715f * kTwiceSqrt2OverPi * kLog2E));
    a.vaddps(s_.power, s_.power, lanes(-kTwiceSqrt2OverPi * kLog2E));
    a.vmulps(s_.power, s_.power, x_);
    one_plus_power();
  }

  // max(x, 0) - |x|/2 erfc(|x| / sqrt 2), which is x/2 (1 + erf(x / sqrt 2)) on both sides of 0.
  void gelu_erf() {
    a.vmulps(s_.power, x_, x_);
    a.vmulps(s_.power, s_.power, lanes(-0.5f * kLog2E));
    emit_exp2(a, s_.power, s_.first, s_.second);
    magnitude(s_.first);
    a.vmulps(s_.first, s_.first, lanes(kErfc * kSqrtHalf));
    a.vaddps(s_.first, s_.first, lanes(1.0f));
    a.vmovups(s_.second, lanes(1.0f));
    a.vdivps(s_.second, s_.second, s_.first);
    a.vmovups(s_.first, lanes(kErfcPolynomial[0]));
    for (std::size_t i = 1; i < std::size(kErfcPolynomial); ++i)
      a.vfmadd213ps(s_.first, s_.second, lanes(kErfcPolynomial[i]));
    a.vmulps(s_.first, s_.first, s_.second);
    a.vmulps(s_.power, s_.power, s_.first);
    magnitude(s_.first);
    a.vmulps(s_.power, s_.power, s_.first);
    relu();
    a.vfmadd231ps(x_, s_.power, lanes(-0.5f));
  }

  void relu() {
    a.zero(s_.first);
    a.vmaxps(x_, x_, s_.first);
  }

 private:
  Xbyak::Address lanes(float value) { return a.vector_constant(std::bit_cast<std::uint32_t>(value)); }

  void one_plus_power() {
    emit_exp2(a, s_.power, s_.first, s_.second);
    a.vaddps(s_.power, s_.power, lanes(1.0f));
  }

  void magnitude(jit::Vector to) { a.isa().bit_and(to, x_, a.vector_constant(0x7fffffff)); }

  jit::Assembler& a;
  jit::Vector x_;
  const ActivationScratch& s_;
};

}  // namespace

void emit_activation(jit::Assembler& a, ActivationFunction function, jit::Vector x,
                     const ActivationScratch& scratch) {
  ActivationEmitter emitter(a, x, scratch);
  switch (function) {
    case ActivationFunction::none: break;
    case ActivationFunction::silu:
      emitter.silu_divisor();
      a.vdivps(x, x, scratch.power);
      break;
    case ActivationFunction::gelu_tanh:
      emitter.gelu_tanh_divisor();
      a.vdivps(x, x, scratch.power);
      break;
    case ActivationFunction::gelu_erf: emitter.gelu_erf(); break;
    case ActivationFunction::relu: emitter.relu(); break;
    case ActivationFunction::relu_squared:
      emitter.relu();
      a.vmulps(x, x, x);
      break;
  }
}

}  // namespace burin::kernels
