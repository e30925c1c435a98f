// Norms and activation functions of one row in plain double arithmetic.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "templates/math/activation_function.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::tests {

inline std::vector<double> normed_row(kernels::RowNorm norm, std::span<const float> input,
                                      const float* weight, const float* bias, float epsilon) {
  std::vector<double> row(input.begin(), input.end());
  if (norm == kernels::RowNorm::none) return row;
  const auto count = static_cast<double>(row.size());
  double mean = 0;
  if (norm == kernels::RowNorm::layer)
    for (const double x : row) mean += x / count;
  double squares = 0;
  for (const double x : row) squares += (x - mean) * (x - mean);
  const double factor = 1 / std::sqrt(squares / count + static_cast<double>(epsilon));
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i] = (row[i] - mean) * factor * static_cast<double>(weight[i]);
    if (norm == kernels::RowNorm::layer) row[i] += static_cast<double>(bias[i]);
  }
  return row;
}

inline constexpr kernels::ActivationFunction kActivationFunctions[] = {
    kernels::ActivationFunction::silu, kernels::ActivationFunction::gelu_tanh,
    kernels::ActivationFunction::gelu_erf, kernels::ActivationFunction::relu,
    kernels::ActivationFunction::relu_squared};

inline double activated(kernels::ActivationFunction function, double x) {
  switch (function) {
    case kernels::ActivationFunction::silu: return x / (1 + std::exp(-x));
    case kernels::ActivationFunction::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case kernels::ActivationFunction::gelu_erf: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case kernels::ActivationFunction::relu: return std::max(x, 0.0);
    case kernels::ActivationFunction::relu_squared: return std::pow(std::max(x, 0.0), 2);
    case kernels::ActivationFunction::none: break;
  }
  return x;
}

}  // namespace burin::tests
