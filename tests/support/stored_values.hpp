// Floats as the bytes of every stored type, rounded in the simplest way.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>

#include "templates/formats/float16.hpp"
#include "templates/formats/stored_type.hpp"
#include "tests/support/byte_text.hpp"

namespace burin::tests {

// Codes of one block and how they become values: value = scale * code + minimum.
struct CodedBlock {
  std::uint8_t codes[32];
  float scale = 0;
  float minimum = 0;
};

// `levels` codes; symmetric formats have their zero in the middle.
inline CodedBlock coded_block(std::span<const float> values, int levels, bool symmetric) {
  CodedBlock block;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const float largest = std::max(std::fabs(*low), std::fabs(*high));
  const auto half = static_cast<float>(levels / 2);
  block.scale = symmetric ? largest / (half - 1) : (*high - *low) / static_cast<float>(levels - 1);
  block.minimum = symmetric ? -half * block.scale : *low;
  for (std::size_t i = 0; i < 32; ++i) {
    const float code = block.scale == 0 ? (symmetric ? half : 0) : (values[i] - block.minimum) / block.scale;
    block.codes[i] =
        static_cast<std::uint8_t>(std::clamp(std::nearbyint(code), 0.0f, static_cast<float>(levels - 1)));
  }
  return block;
}

inline void append_nibbles(std::string& bytes, const CodedBlock& block) {
  for (std::size_t i = 0; i < 16; ++i)
    append_value(bytes, static_cast<std::uint8_t>((block.codes[i] & 15u) | (block.codes[i + 16] & 15u) << 4));
}

inline void append_fifth_bits(std::string& bytes, const CodedBlock& block) {
  std::uint32_t bits = 0;
  for (unsigned i = 0; i < 32; ++i) bits |= (block.codes[i] >> 4 & 1u) << i;
  append_value(bytes, bits);
}

inline void append_block(std::string& bytes, kernels::StoredType type, std::span<const float> values) {
  using enum kernels::StoredType;
  const int levels = type == q8_0 ? 256 : type == q5_0 || type == q5_1 ? 32 : 16;
  const bool symmetric = type == q4_0 || type == q5_0 || type == q8_0;
  const CodedBlock block = coded_block(values, levels, symmetric);
  append_value(bytes, kernels::f32_to_f16(block.scale));
  if (!symmetric) append_value(bytes, kernels::f32_to_f16(block.minimum));
  if (levels == 32) append_fifth_bits(bytes, block);
  if (levels == 256)
    for (const std::uint8_t code : block.codes) append_value(bytes, static_cast<std::uint8_t>(code ^ 0x80u));
  else
    append_nibbles(bytes, block);
}

// MXFP4 (Open Compute Project, Microscaling Formats 1.0) as GGUF has it: a power of two for 32 numbers of one sign bit,
// two of exponent and one of mantissa; a byte's halves are 16 numbers apart.
inline std::uint8_t mxfp4_code(float value) {
  static constexpr float kMagnitudes[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  const auto distance = [&](float magnitude) { return std::fabs(std::fabs(value) - magnitude); };
  const auto nearest = std::min_element(std::begin(kMagnitudes), std::end(kMagnitudes),
                                        [&](float a, float b) { return distance(a) < distance(b); });
  return static_cast<std::uint8_t>((nearest - std::begin(kMagnitudes)) | (std::signbit(value) ? 8 : 0));
}

inline void append_mxfp4(std::string& bytes, std::span<const float> values) {
  constexpr int kLargestExponent = 2, kBias = 127;
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  const int exponent = largest == 0 ? 0 : std::ilogb(largest) - kLargestExponent;
  append_value(bytes, static_cast<std::uint8_t>(exponent + kBias));
  const auto code = [&](std::size_t i) { return mxfp4_code(std::ldexp(values[i], -exponent)); };
  for (std::size_t i = 0; i < 16; ++i)
    append_value(bytes, static_cast<std::uint8_t>(code(i) | code(i + 16) << 4));
}

// values.size() must be a multiple of the type's block.
inline std::string stored_bytes(kernels::StoredType type, std::span<const float> values) {
  std::string bytes;
  const auto step = static_cast<std::size_t>(kernels::layout_of(type).elements);
  for (std::size_t i = 0; i < values.size(); i += step) {
    switch (type) {
      case kernels::StoredType::f32: append_value(bytes, values[i]); break;
      case kernels::StoredType::f16: append_value(bytes, kernels::f32_to_f16(values[i])); break;
      case kernels::StoredType::bf16: append_value(bytes, kernels::f32_to_bf16(values[i])); break;
      case kernels::StoredType::mxfp4: append_mxfp4(bytes, values.subspan(i, step)); break;
      default: append_block(bytes, type, values.subspan(i, step));
    }
  }
  return bytes;
}

}  // namespace burin::tests
