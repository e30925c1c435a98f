// How a packed weight matrix represents its values: the kind of number, its group size and scale type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "templates/formats/float8.hpp"
#include "templates/formats/tables.hpp"

namespace burin::kernels {

enum class WeightKind : std::uint8_t { integer, table, e4m3, e5m2, f16, bf16, f32 };
// two_level: an integer scale of 8 bits per group (and minimum, asymmetric) under one f16 each per 256
// inputs, which holds GGUF's K-quants without loss; not for fp8. e8m0: 2^(bits - 127), for the table e2m1 and fp8
// only, as MX formats have it. e4m3: fp8 scales under one f32 per column, for e2m1 in groups of 16 (NVFP4).
enum class ScaleType : std::uint8_t { none, f32, f16, bf16, two_level, e8m0, e4m3 };

// Inputs under one f16 scale of a two-level format.
inline constexpr int kSuperblock = 256;

// A group of all inputs of a row.
inline constexpr int kWholeRow = -1;

// A value is, for integer kinds and code c in 0 .. 2^bits - 1:
//   symmetric    scale * (c - 2^(bits-1))
//   asymmetric   scale * c + minimum
// and for table kinds scale * table[c] (tables.hpp), for fp8 kinds (e4m3, e5m2: float8.hpp) scale * value of c,
// with one scale (and minimum) per output column and `group` consecutive inputs. Two-level: scale is
// d * s with f16 d per 256 inputs and int8 s per group; minimum is -e * m with f16 e and uint8 m. Float kinds
// have bits 16 or 32, group 0 and no scale. Table kinds have the bits of their table, fp8 kinds 8; both are
// symmetric.
struct WeightFormat {
  WeightKind kind = WeightKind::f32;
  int bits = 32;
  bool symmetric = true;
  int group = 0;
  ScaleType scale = ScaleType::none;
  TableName table = TableName::none;

  bool operator==(const WeightFormat&) const = default;

  bool is_table() const { return kind == WeightKind::table; }
  bool is_fp8() const { return kind == WeightKind::e4m3 || kind == WeightKind::e5m2; }
  // Packed as codes in groups that share a scale.
  bool has_codes() const { return kind == WeightKind::integer || is_table() || is_fp8(); }
  // Codes stand for whole numbers of steps, so that products with int8 activations are exact.
  bool is_integer() const { return has_codes() && !is_float_table() && !is_fp8(); }
  bool is_float_table() const { return is_table() && value_table(table).steps == 0; }
  bool is_two_level() const { return scale == ScaleType::two_level; }
  bool is_whole_row() const { return group == kWholeRow; }
  // Scales are multiplied with a number per column besides.
  bool has_factors() const { return scale == ScaleType::e4m3; }
  // The code that fills up columns and groups: of the value zero in a symmetric format, or the closest one.
  int zero_code() const { return is_table() ? value_table(table).zero_code() : zero_point(); }
  // What kernels subtract from the unsigned byte of a code to have the value in steps.
  int zero_point() const {
    if (is_table()) return value_table(table).zero_point();
    return symmetric && kind == WeightKind::integer ? 1 << (bits - 1) : 0;
  }
  // What a code is multiplied with the scale to: c - 2^(bits-1), c, table[c] or the fp8 number.
  float code_value(int code) const {
    if (is_table()) return value_table(table).values[static_cast<std::size_t>(code)];
    if (is_fp8()) return float8_to_f32(float8(), static_cast<unsigned>(code));
    return static_cast<float>(code - zero_point());
  }

  static WeightFormat integer_format(int bits, bool symmetric, int group, ScaleType scale) {
    return {WeightKind::integer, bits, symmetric, group, scale};
  }
  static constexpr WeightFormat table_format(TableName table, int group, ScaleType scale) {
    return {WeightKind::table, value_table(table).bits, true, group, scale, table};
  }
  // fp8 kinds only.
  const Float8& float8() const { return kind == WeightKind::e4m3 ? kE4m3 : kE5m2; }

  static WeightFormat fp8_format(WeightKind kind, int group, ScaleType scale) {
    return {kind, 8, true, group, scale};
  }
  static WeightFormat float_format(WeightKind kind) {
    return {kind, kind == WeightKind::f32 ? 32 : 16, true, 0, ScaleType::none};
  }
};

// Canonical text: "int4s.g32.f16" (s symmetric, a asymmetric), "int4a.g32.two" (two-level scales),
// "nf4.g64.f32" (table), "e4m3.g128.f32" (fp8), "int8s.row.f32" (one group for all inputs), "f16", "bf16", "f32". Round-trips.
std::string to_text(const WeightFormat& format);
// Throws burin::Error naming the part of the text that is not understood.
WeightFormat parse_weight_format(std::string_view text);

// Bytes of one scale or minimum of a group: 4, 2, 1 (two-level, e8m0, e4m3) or 0.
int bytes_of(ScaleType type);

}  // namespace burin::kernels
