// How far a GEMM's sums may be from exact ones, by the lengths of what is multiplied and the number of roundings.
#pragma once

#include <cmath>

#include "jit/target.hpp"
#include "templates/gemm/gemm_spec.hpp"

namespace burin::kernels {

// In f16, sums of 32 products, and of two such, are rounded to 11 bits 33 times, each time by at most half of the last
// one; errors have either sign. Where tiles add up, sums are f32. Relative to the lengths' product.
inline double rounding_of_f16_sums(const GemmSpec& spec, const jit::Target& target) {
  constexpr double kRoundings = 33;
  if (spec.activation != Activation::f16 || spec.regime != GemmRegime::tiles || uses_amx(spec, target))
    return 0;
  return 2 * std::sqrt(kRoundings) * 0x1p-12;
}

// Of a row of `squares` (the sum of its numbers' squares) and a column of `weight_squares`.
inline double sum_tolerance(const GemmSpec& spec, const jit::Target& target, double squares,
                            double weight_squares) {
  return (4e-6 * std::sqrt(static_cast<double>(spec.inputs)) + rounding_of_f16_sums(spec, target)) *
             std::sqrt(squares * weight_squares) +
         2e-6;
}

}  // namespace burin::kernels
