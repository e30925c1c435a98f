// The nonlinear functions of feed-forward layers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace burin::kernels {

enum class ActivationFunction : std::uint8_t {
  none,
  silu,          // x * sigmoid(x) (Elfwing et al. 2018)
  gelu_tanh,     // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks & Gimpel 2016)
  gelu_erf,      // x/2 (1 + erf(x / sqrt 2))
  relu,          // max(x, 0)
  relu_squared,  // max(x, 0)^2 (So et al. 2021)
};

void write_field(std::string& text, const ActivationFunction& function);
void read_field(std::string_view text, ActivationFunction& function);

}  // namespace burin::kernels
