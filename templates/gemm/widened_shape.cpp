// Sizes of widened parts: what plans need to know of them.
#include <algorithm>

#include "templates/gemm/widened_part.hpp"

namespace burin::kernels {
namespace {

constexpr int kLeastInputs = 512;  // 32 KiB of bf16: two thirds of a small L1

}  // namespace

int widened_part_inputs(const PackedShape& packed) {
  const int unit = std::max(kWidenedStep, static_cast<int>(packed.unit_inputs));
  return unit * std::max(1, kLeastInputs / unit);
}

std::int64_t widened_inputs(const PackedShape& packed) {
  return (packed.padded_inputs + kWidenedStep - 1) / kWidenedStep * kWidenedStep;
}

std::size_t widened_bytes(std::int64_t inputs) {
  return static_cast<std::size_t>(inputs / 2 * kWidenedPairBytes);
}

std::size_t amx_part_bytes(const PackedShape& packed) {
  return widened_bytes(widened_part_inputs(packed) + kWidenedStep);  // zeros may follow whole parts
}

bool must_be_widened(const WeightFormat& weights, const PackedShape& packed) {
  return weights.kind != WeightKind::bf16 || widened_inputs(packed) != packed.padded_inputs;
}

std::size_t gemm_scratch_bytes(const GemmSpec& spec) {
  if (spec.activation != Activation::bf16) return 0;
  const PackedShape packed = packed_shape(spec.weights, spec.inputs, spec.columns);
  const std::size_t sums = std::size_t{kAmxBlocks} * kAmxRows * kBlockColumns * sizeof(float);
  const std::size_t whole = must_be_widened(spec.weights, packed) ? widened_bytes(widened_inputs(packed)) : 0;
  return std::max(whole, amx_part_bytes(packed) + sums);
}

}  // namespace burin::kernels
