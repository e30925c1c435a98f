#include "templates/formats/quantize.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "jit/error.hpp"
#include "templates/formats/float16.hpp"

namespace burin::kernels {
namespace {

void require_finite(std::span<const float> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail("weight {} of a group is {}: cannot be quantised: the file is damaged", i, values[i]);
}

std::uint32_t stored_scale(ScaleType type, float value) {
  const std::uint32_t bits = scale_bits(type, value);
  if (!std::isfinite(scale_value(type, bits)))
    fail("a scale of {:g} overflows its type: use --scale f32 or bf16", value);
  return bits;
}

std::uint8_t clamp_code(float code, int largest) {
  return static_cast<std::uint8_t>(std::clamp(code, 0.0f, static_cast<float>(largest)));
}

// Codes 0 and 1 mean -scale and 0. Where k values have code 0, their mean serves them best and takes
// sum^2 / k off the squared error; the best k are the farthest on one side.
float one_bit_scale(std::span<const float> values) {
  std::vector<float> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  double best_gain = 0;
  double best_mean = 0;
  const auto try_side = [&](auto at, auto end) {
    double sum = 0;
    for (double count = 1; at != end; ++at, ++count) {
      sum += static_cast<double>(*at);
      if (sum * sum / count <= best_gain) continue;
      best_gain = sum * sum / count;
      best_mean = sum / count;
    }
  };
  try_side(sorted.begin(), sorted.end());
  try_side(sorted.rbegin(), sorted.rend());
  return static_cast<float>(0.0 - best_mean);
}

float symmetric_scale(const WeightFormat& format, std::span<const float> values) {
  float extreme = 0;  // of largest magnitude, with its sign
  for (const float value : values)
    if (std::fabs(value) > std::fabs(extreme)) extreme = value;
  if (format.bits == 8) return std::fabs(extreme) / 127.0f;
  if (format.bits > 1) return extreme / -static_cast<float>(format.zero_code());
  return one_bit_scale(values);
}

}  // namespace

float scale_value(ScaleType type, std::uint32_t bits) {
  switch (type) {
    case ScaleType::f16: return f16_to_f32(static_cast<std::uint16_t>(bits));
    case ScaleType::bf16: return bf16_to_f32(static_cast<std::uint16_t>(bits));
    default: return std::bit_cast<float>(bits);
  }
}

std::uint32_t scale_bits(ScaleType type, float value) {
  switch (type) {
    case ScaleType::f16: return f32_to_f16(value);
    case ScaleType::bf16: return f32_to_bf16(value);
    default: return std::bit_cast<std::uint32_t>(value);
  }
}

QuantizedGroup quantize_group(const WeightFormat& format, std::span<const float> values,
                              std::uint8_t* codes) {
  require_finite(values);
  const int largest = (1 << format.bits) - 1;
  QuantizedGroup group;
  float offset = 0;  // subtracted before scaling
  float zero = 0;    // added after
  if (format.symmetric) {
    group.scale = stored_scale(format.scale, symmetric_scale(format, values));
    zero = static_cast<float>(format.zero_code());
  } else {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    group.scale = stored_scale(format.scale, (*high - *low) / static_cast<float>(largest));
    group.minimum = stored_scale(format.scale, *low);
    offset = scale_value(format.scale, group.minimum);
  }
  const float scale = scale_value(format.scale, group.scale);
  // Divided, not multiplied by the inverse: that is infinite for scales near the smallest float.
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float steps = scale != 0 ? (values[i] - offset) / scale : 0.0f;
    codes[i] = clamp_code(std::nearbyint(steps) + zero, largest);
  }
  return group;
}

}  // namespace burin::kernels
