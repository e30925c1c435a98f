// Rows of activations as dequant-GEMM kernels read them.
//
// s8 rows are quantised on the fly, one scale per row and group of S inputs:
//
//   row:    [group 0][group 1] ... [group ceil(K/S)-1][padding]
//   group:  [correction: 4 bytes][scale: f32][S x int8]
//
// value = scale * code. The correction carries what the weights' zero point or minimum needs, so that it
// costs the GEMM nothing: for symmetric weights int32 -zero_point * sum(codes), the start value of the
// accumulators; for asymmetric ones f32 scale * sum(codes), to be multiplied with the minimum.
//
// s8row rows have one scale, where a kernel that has gone through all groups finds it: the finished sum is multiplied
// with it once, and a group's products with nothing but the column's scale. Large values cost the whole row digits.
//
//   row:    [group 0][group 1] ... [group ceil(K/S)-1][scale: f32][padding]
//   group:  [correction: 4 bytes][S x int8]
//
// The correction of asymmetric weights is f32 sum(codes) here.
//
// f32 rows are plain, bf16 rows too, rounded to nearest even. f16 rows have little range, so they are scaled by a power
// of two that brings their largest magnitude to 16 .. 32; the factor that undoes it comes behind them:
//
//   row:    [padded x f16][factor: f32][padding]
//
// where 32 products of it with weights below 64 cannot overflow, and values are exact down to the 2^-18th of the largest.
// Inputs past K are zero up to the padded length in all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "jit/target.hpp"
#include "templates/formats/weight_format.hpp"

namespace burin::kernels {

enum class Activation : std::uint8_t { f32, s8, bf16, f16, s8row };

void write_field(std::string& text, const Activation& activation);
void read_field(std::string_view text, Activation& activation);

// Codes with scales, which are multiplied as integers.
constexpr bool is_int8(Activation type) { return type == Activation::s8 || type == Activation::s8row; }
// Numbers of 16 bits with a fraction: bf16 and f16. Weights are rounded to the same type.
constexpr bool is_half(Activation type) { return type == Activation::bf16 || type == Activation::f16; }

// Whether kernels of the target multiply such activations: bf16 wants AVX512-BF16, f16 AVX512-FP16.
bool computes(const jit::Target& target, Activation type);
// Throws burin::Error naming the kernel, what the target or the weights lack and what would do.
void require_computes(const jit::Target& target, Activation type, const WeightFormat& weights,
                      std::string_view kernel);

// Largest group of activations that share a scale (s8): larger weight groups and whole rows are cut (part_of_group), so that
// outliers spoil less. s8row groups are whole weight groups.
inline constexpr int kLargestActivationGroup = 128;
// So many products of a byte and an int8 fit an int32: s8row groups that are larger are cut like those of s8.
inline constexpr int kLargestInt32Group = 65536;

// Where the scale of an s8 group is, in bytes from its start, at which the correction is.
inline constexpr int kGroupScale = 4;

struct ActivationRows {
  Activation type = Activation::f32;
  std::int64_t inputs = 0;
  int group = 0;               // S; 0 for floats
  std::int64_t padded = 0;     // inputs rounded up to whole weight groups (superblocks), and to 32
  std::int64_t row_bytes = 0;  // distance of rows, a multiple of 64

  std::int64_t groups() const { return group == 0 ? 0 : padded / group; }
  bool scales_groups() const { return type == Activation::s8; }
  int header_bytes() const { return scales_groups() ? 8 : 4; }  // in front of a group's codes
  int group_bytes() const { return header_bytes() + group; }
  // What sums of a row are multiplied with is behind its values: the scale of s8row, the factor of f16.
  bool has_row_factor() const { return type == Activation::s8row || type == Activation::f16; }
  std::int64_t value_bytes() const;
  std::int64_t used_bytes() const;  // of a row, without the padding behind it, which nobody writes
};

// What a kernel goes through of a group without a loop: all of it, or where that is more than `most` inputs, the largest
// multiple of 32 up to `most` that divides it.
int part_of_group(std::int64_t group, int most);

// The rows that a GEMM with `inputs` inputs and these weights takes.
ActivationRows activation_rows(Activation type, std::int64_t inputs, const WeightFormat& weights);

}  // namespace burin::kernels
