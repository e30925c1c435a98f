#include "templates/gemm/unpacked_shape.hpp"

namespace burin::kernels {

std::int64_t widened_inputs(const PackedShape& packed) {
  return (packed.padded_inputs + kWidenedStep - 1) / kWidenedStep * kWidenedStep;
}

std::size_t widened_bytes(std::int64_t inputs) {
  return static_cast<std::size_t>(inputs / 2 * kWidenedPairBytes);
}

bool must_be_widened(const GemmSpec& spec, const PackedShape& packed) {
  return spec.activation != Activation::bf16 || spec.weights.kind != WeightKind::bf16 ||
         widened_inputs(packed) != packed.padded_inputs;
}

int int8_group_bytes(const GemmSpec& spec) {
  const int group = activation_rows(spec.activation, spec.inputs, spec.weights).group;
  const int arrays = spec.weights.symmetric ? 1 : 2;
  return group / 4 * kInt8QuadBytes + arrays * kBlockColumns * static_cast<int>(sizeof(float));
}

std::size_t int8_part_bytes(const GemmSpec& spec, int inputs) {
  const int group = activation_rows(spec.activation, spec.inputs, spec.weights).group;
  return static_cast<std::size_t>(inputs / group) * static_cast<std::size_t>(int8_group_bytes(spec));
}

}  // namespace burin::kernels
