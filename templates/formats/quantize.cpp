#include "templates/formats/quantize.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <vector>

#include "jit/error.hpp"
#include "templates/formats/float16.hpp"

namespace burin::kernels {
namespace {

constexpr std::uint16_t kLargestF16 = 0x7bff;
constexpr std::uint32_t kSmallestE8m0 = 0x00400000;  // exponent 0 is 2^-127, a denormal float

void require_finite(std::span<const float> values, const char* whole) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail("weight {} of a {} is {}: cannot be quantised: the file is damaged", i, whole, values[i]);
}

std::uint32_t stored_scale(ScaleType type, float value) {
  const std::uint32_t bits = scale_bits(type, value);
  if (!std::isfinite(scale_value(type, bits)))
    fail("a scale of {:g} overflows its type: use --scale f32 or bf16", value);
  return bits;
}

// Multiples of a step, where there is one. Divided, not multiplied by the inverse: that is infinite for steps
// near the smallest float.
float in_steps(float value, float step) { return step != 0 ? std::nearbyint(value / step) : 0.0f; }

std::uint8_t clamp_code(float code, int largest) {
  return static_cast<std::uint8_t>(std::clamp(code, 0.0f, static_cast<float>(largest)));
}

// The code of a value under a scale.
std::uint8_t code_of(const WeightFormat& format, float value, float scale) {
  if (format.is_table())
    return static_cast<std::uint8_t>(scale != 0 ? nearest_code(format.table, value / scale)
                                                : format.zero_code());
  if (format.is_fp8())
    return static_cast<std::uint8_t>(scale != 0 ? f32_to_float8(format.float8(), value / scale) : 0);
  return clamp_code(in_steps(value, scale) + static_cast<float>(format.zero_point()), (1 << format.bits) - 1);
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

// As the MX specification has it: the largest exponents meet, and values above the format's are clamped.
float power_of_two_scale(float extreme, float largest) {
  return extreme == 0 ? 0.0f : std::ldexp(1.0f, std::ilogb(extreme) - std::ilogb(largest));
}

float float8_scale(const WeightFormat& format, float extreme) {
  const float largest = format.float8().largest;
  return format.scale == ScaleType::e8m0 ? power_of_two_scale(extreme, largest)
                                         : std::fabs(extreme) / largest;
}

// The extreme value gets the one of the table that is farthest from zero, on whichever side.
float table_scale(const WeightFormat& format, float extreme) {
  const ValueTable& table = value_table(format.table);
  if (format.scale == ScaleType::e8m0) return power_of_two_scale(extreme, table.largest());
  if (table.largest() == -table.smallest()) return std::fabs(extreme) / table.largest();
  return extreme / (table.largest() > -table.smallest() ? table.largest() : table.smallest());
}

float symmetric_scale(const WeightFormat& format, std::span<const float> values) {
  float extreme = 0;  // of largest magnitude, with its sign
  for (const float value : values)
    if (std::fabs(value) > std::fabs(extreme)) extreme = value;
  if (format.is_table()) return table_scale(format, extreme);
  if (format.is_fp8()) return float8_scale(format, extreme);
  if (format.bits == 8) return std::fabs(extreme) / 127.0f;
  if (format.bits > 1) return extreme / -static_cast<float>(format.zero_code());
  return one_bit_scale(values);
}

// The f16 step of which `count` reach to `extreme`: never less, so that the farthest group loses nothing.
std::uint16_t step_reaching(float extreme, int count) {
  const auto steps = static_cast<float>(count);
  const auto bits = static_cast<std::uint16_t>(stored_scale(ScaleType::f16, extreme / steps));
  const bool short_of_it = f16_to_f32(bits) * steps < extreme && bits < kLargestF16;
  return static_cast<std::uint16_t>(short_of_it ? bits + 1 : bits);
}

template <typename ValuesOf>
void quantize_minimums(int groups, const ValuesOf& values_of, Superblock& out) {
  float depths[kSuperblock / 16];  // below zero
  float deepest = 0;
  for (int group = 0; group < groups; ++group) {
    const std::span<const float> values = values_of(group);
    depths[group] = std::max(0.0f, -*std::min_element(values.begin(), values.end()));
    deepest = std::max(deepest, depths[group]);
  }
  out.minimum = step_reaching(deepest, 255);
  for (int group = 0; group < groups; ++group)
    out.minimums[group] = clamp_code(in_steps(depths[group], f16_to_f32(out.minimum)), 255);
}

// Scales of asymmetric groups reach from the minimum, as rounded, to the largest value.
template <typename ValuesOf>
void quantize_scales(const WeightFormat& format, int groups, const ValuesOf& values_of, Superblock& out) {
  float scales[kSuperblock / 16];
  float extreme = 0;
  for (int group = 0; group < groups; ++group) {
    const std::span<const float> values = values_of(group);
    const auto levels = static_cast<float>((1 << format.bits) - 1);
    scales[group] =
        format.symmetric
            ? symmetric_scale(format, values)
            : std::max(0.0f, *std::max_element(values.begin(), values.end()) + out.group_minimum(group)) /
                  levels;
    extreme = std::max(extreme, std::fabs(scales[group]));
  }
  out.scale = step_reaching(extreme, 127);
  for (int group = 0; group < groups; ++group)
    out.scales[group] =
        static_cast<std::int8_t>(std::clamp(in_steps(scales[group], f16_to_f32(out.scale)), -127.0f, 127.0f));
}

}  // namespace

float scale_value(ScaleType type, std::uint32_t bits) {
  switch (type) {
    case ScaleType::f16: return f16_to_f32(static_cast<std::uint16_t>(bits));
    case ScaleType::bf16: return bf16_to_f32(static_cast<std::uint16_t>(bits));
    case ScaleType::e4m3: return float8_to_f32(kE4m3, bits);
    case ScaleType::e8m0: return std::bit_cast<float>(std::max(bits << 23, kSmallestE8m0));
    default: return std::bit_cast<float>(bits);
  }
}

std::uint32_t scale_bits(ScaleType type, float value) {
  switch (type) {
    case ScaleType::f16: return f32_to_f16(value);
    case ScaleType::bf16: return f32_to_bf16(value);
    case ScaleType::e4m3: return f32_to_float8(kE4m3, value);
    case ScaleType::e8m0: return std::bit_cast<std::uint32_t>(value) >> 23;
    default: return std::bit_cast<std::uint32_t>(value);
  }
}

QuantizedGroup quantize_group(const WeightFormat& format, std::span<const float> values,
                              std::uint8_t* codes) {
  require_finite(values, "group");
  QuantizedGroup group;
  float offset = 0;  // subtracted before scaling
  if (format.symmetric) {
    group.scale = stored_scale(format.scale, symmetric_scale(format, values));
  } else {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const auto levels = static_cast<float>((1 << format.bits) - 1);
    group.scale = stored_scale(format.scale, (*high - *low) / levels);
    group.minimum = stored_scale(format.scale, *low);
    offset = scale_value(format.scale, group.minimum);
  }
  const float scale = scale_value(format.scale, group.scale);
  for (std::size_t i = 0; i < values.size(); ++i) codes[i] = code_of(format, values[i] - offset, scale);
  return group;
}

void quantize_superblock(const WeightFormat& format, std::span<const float> values, Superblock& out) {
  require_finite(values, "superblock");
  out = Superblock{};
  std::fill(std::begin(out.codes), std::end(out.codes), static_cast<std::uint8_t>(format.zero_code()));
  const auto group_size = static_cast<std::size_t>(format.group);
  const auto groups = static_cast<int>((values.size() + group_size - 1) / group_size);
  const auto values_of = [&](int group) {
    const std::size_t first = static_cast<std::size_t>(group) * group_size;
    return values.subspan(first, std::min(group_size, values.size() - first));
  };
  if (!format.symmetric) quantize_minimums(groups, values_of, out);
  quantize_scales(format, groups, values_of, out);
  for (int group = 0; group < groups; ++group) {
    const float scale = out.group_scale(group);
    const float minimum = out.group_minimum(group);
    std::uint8_t* code = out.codes + group * format.group;
    for (const float value : values_of(group)) *code++ = code_of(format, value + minimum, scale);
  }
}

}  // namespace burin::kernels
