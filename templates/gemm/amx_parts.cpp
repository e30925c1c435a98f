#include "templates/gemm/amx_parts.hpp"

#include <algorithm>

#include "templates/gemm/unpacked_shape.hpp"

namespace burin::kernels {
namespace {

constexpr int kPartInputs = 512;  // 32 KiB of bf16: two thirds of an L1 cache

}  // namespace

AmxParts amx_parts(const GemmSpec& spec) {
  const PackedShape packed = packed_shape(spec.weights, spec.inputs, spec.columns);
  AmxParts parts;
  parts.unit_inputs = spec.weights.has_codes() ? static_cast<int>(packed.unit_inputs) : kFloatPadding;
  parts.unit_bytes = spec.weights.has_codes() ? static_cast<int>(packed.unit_bytes)
                                              : kFloatPadding * kBlockColumns * spec.weights.bits / 8;
  const auto units = static_cast<int>(packed.padded_inputs / parts.unit_inputs);
  parts.units = std::max(1, kPartInputs / parts.unit_inputs);
  parts.count = (units + parts.units - 1) / parts.units;
  parts.last_units = units - (parts.count - 1) * parts.units;
  parts.bytes = is_half(spec.activation) ? widened_bytes(parts.inputs() + kWidenedStep)
                                         : int8_part_bytes(spec, parts.inputs());
  return parts;
}

namespace {

std::size_t amx_scratch_bytes(const GemmSpec& spec) {
  return amx_parts(spec).bytes + std::size_t{kAmxBlocks} * kAmxRows * kBlockColumns * sizeof(float);
}

std::size_t vector_scratch_bytes(const GemmSpec& spec) {
  const PackedShape packed = packed_shape(spec.weights, spec.inputs, spec.columns);
  const bool widens = is_half(spec.activation) && must_be_widened(spec, packed);
  return widens ? widened_bytes(widened_inputs(packed)) : 0;
}

}  // namespace

std::size_t gemm_scratch_bytes(const GemmSpec& spec, const jit::Target& target) {
  if (spec.regime == GemmRegime::stream) return 0;
  return uses_amx(spec, target) ? amx_scratch_bytes(spec) : vector_scratch_bytes(spec);
}

std::size_t most_gemm_scratch_bytes(const GemmSpec& spec) {
  if (spec.regime == GemmRegime::stream || spec.activation == Activation::f32) return 0;
  return std::max(amx_scratch_bytes(spec), vector_scratch_bytes(spec));
}

bool uses_amx(const GemmSpec& spec, const jit::Target& target) {
  if (spec.regime == GemmRegime::stream) return false;
  switch (spec.activation) {
    case Activation::s8:
    case Activation::s8row: return target.has(jit::Feature::amx_int8);
    case Activation::bf16: return target.has(jit::Feature::amx_bf16);
    case Activation::f16: return target.has(jit::Feature::amx_fp16);
    case Activation::f32: return false;
  }
  return false;
}

}  // namespace burin::kernels
