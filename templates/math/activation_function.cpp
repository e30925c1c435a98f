#include "templates/math/activation_function.hpp"

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kNames[] = {"none", "silu", "gelu_tanh", "gelu_erf", "relu", "relu_squared"};

}  // namespace

void write_field(std::string& text, const ActivationFunction& function) {
  jit::write_name(text, function, kNames);
}
void read_field(std::string_view text, ActivationFunction& function) {
  jit::read_name(text, function, kNames);
}

}  // namespace burin::kernels
