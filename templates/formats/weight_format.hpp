// How a packed weight matrix represents its values: the kind of number, its group size and scale type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace burin::kernels {

enum class WeightKind : std::uint8_t { integer, f16, bf16, f32 };
// two_level: an integer scale of 8 bits per group (and minimum, asymmetric) under one f16 each per 256 inputs,
// which holds GGUF's K-quants without loss.
enum class ScaleType : std::uint8_t { none, f32, f16, bf16, two_level };

// Inputs under one f16 scale of a two-level format.
inline constexpr int kSuperblock = 256;

// A value is, for integer kinds and code c in 0 .. 2^bits - 1:
//   symmetric    scale * (c - 2^(bits-1))
//   asymmetric   scale * c + minimum
// with one scale (and minimum) per output column and `group` consecutive inputs. Two-level: scale is
// d * s with f16 d per 256 inputs and int8 s per group; minimum is -e * m with f16 e and uint8 m. Float kinds
// have bits 16 or 32, group 0 and no scale.
struct WeightFormat {
  WeightKind kind = WeightKind::f32;
  int bits = 32;
  bool symmetric = true;
  int group = 0;
  ScaleType scale = ScaleType::none;

  bool operator==(const WeightFormat&) const = default;

  bool is_integer() const { return kind == WeightKind::integer; }
  bool is_two_level() const { return scale == ScaleType::two_level; }
  // The code that stands for zero in a symmetric integer format.
  int zero_code() const { return symmetric && is_integer() ? 1 << (bits - 1) : 0; }

  static WeightFormat integer_format(int bits, bool symmetric, int group, ScaleType scale) {
    return {WeightKind::integer, bits, symmetric, group, scale};
  }
  static WeightFormat float_format(WeightKind kind) {
    return {kind, kind == WeightKind::f32 ? 32 : 16, true, 0, ScaleType::none};
  }
};

// Canonical text: "int4s.g32.f16" (s symmetric, a asymmetric), "int4a.g32.two" (two-level scales), "f16",
// "bf16", "f32". Round-trips.
std::string to_text(const WeightFormat& format);
// Throws burin::Error naming the part of the text that is not understood.
WeightFormat parse_weight_format(std::string_view text);

// Bytes of one scale or minimum of a group: 4, 2, 1 (two-level) or 0.
int bytes_of(ScaleType type);

}  // namespace burin::kernels
