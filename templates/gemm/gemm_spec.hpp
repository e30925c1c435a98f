// Dequant-GEMM: rows of activations times packed weights, with what comes before and after fused in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/activation_rows.hpp"
#include "templates/formats/weight_format_field.hpp"
#include "templates/head_layout.hpp"
#include "templates/heads/kv_arguments.hpp"
#include "templates/math/activation_function.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::kernels {

// Activations bf16: weights are rounded to bf16 as well, products are exact, sums f32. Tiles only, on AVX512-BF16 or
// AMX-BF16. Activations f16: the same, with weights rounded to f16 (infinite from 65520 on). Tiles only; sums are f32 on
// AMX-FP16, while AVX512-FP16 adds up to 32 products at a time in f16.
//
// stream: one row, bound by memory; prepares the row itself (every thread for itself: cheaper than a
// barrier) and prefetches the weights far ahead. tiles: many prepared rows, bound by the multipliers.
enum class GemmRegime : std::uint8_t { stream, tiles };

// What happens to the 32 sums (with bias; times the factor of scaled kernels) of a column block and row:
//   store      output = sum
//   add        output = residual + sum
//   activate   output = function(sum)
//   gate       columns 0..15 of a block are gates g, 16..31 values u: 16 outputs function(g) * u
//   clamped_gate  likewise g * sigmoid(slope * g) * (u + 1), of g cut at limit and u within -limit .. limit
//              (gpt-oss)
//   add_scaled output row number rows[i] += factors[i] * sum (stream: the only row += factors[0] * sum)
//   rope_kv    query, key and value heads (head_layout.hpp): queries are rotated and stored to output, keys
//              rotated and stored to the cache, values stored to the cache
enum class GemmEpilogue : std::uint8_t { store, add, activate, gate, rope_kv, clamped_gate, add_scaled };

// Whether a block of 32 columns makes 16 outputs.
constexpr bool halves_columns(GemmEpilogue epilogue) {
  return epilogue == GemmEpilogue::gate || epilogue == GemmEpilogue::clamped_gate;
}

struct GemmSpec {
  static constexpr std::string_view kKind = "gemm";
  std::int64_t inputs = 32;   // K
  std::int64_t columns = 32;  // N as packed, a multiple of 32
  WeightFormat weights;
  Activation activation = Activation::f32;
  GemmRegime regime = GemmRegime::stream;
  RowNorm norm = RowNorm::none;  // of the prologue; stream only
  GemmEpilogue epilogue = GemmEpilogue::store;
  ActivationFunction function = ActivationFunction::none;  // activate, gate
  bool bias = false;
  bool scaled = false;              // sums are multiplied by a factor, after the bias
  std::int64_t output_stride = 32;  // floats; residual has the same
  HeadLayout heads;                 // rope_kv only

  bool operator==(const GemmSpec&) const = default;
};

void write_field(std::string& text, const GemmRegime& regime);
void read_field(std::string_view text, GemmRegime& regime);
void write_field(std::string& text, const GemmEpilogue& epilogue);
void read_field(std::string_view text, GemmEpilogue& epilogue);

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, GemmSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [inputs, columns, weights, activation, regime, norm, epilogue, function, bias, scaled, output_stride,
         heads] = spec;
  visit("k", inputs);
  visit("n", columns);
  visit("w", weights);
  visit("a", activation);
  visit("m", regime);
  visit("norm", norm);
  visit("out", epilogue);
  visit("f", function);
  visit("bias", bias);
  visit("scaled", scaled);
  visit("os", output_stride);
  visit("heads", heads);
}

// Computes column blocks [first_block, last_block) for all rows.
struct GemmArguments {
  const std::byte* weights = nullptr;  // packed (templates/formats/packing.hpp), block 0
  // tiles: prepared rows. stream: room for one prepared row, private to the thread.
  std::byte* activations = nullptr;
  float* output = nullptr;          // row 0, column 0; `columns` floats are written per row (gates: half)
  const float* residual = nullptr;  // add; may be output itself
  const float* bias = nullptr;      // `columns` floats in packed column order
  std::int64_t rows = 0;
  std::int64_t first_block = 0;
  std::int64_t last_block = 0;
  // Prologue of stream kernels.
  const float* input = nullptr;        // zero from `inputs` to the padded length
  const float* norm_weight = nullptr;  // zero in the same places
  const float* norm_bias = nullptr;    // the same; layer norm only
  float epsilon = 0;
  float factor = 1;  // scaled
  KvArguments kv;    // rope_kv
  float limit = 0;   // clamped_gate
  float slope = 0;
  // add_scaled, one per row. Numbers of output rows differ from each other; stream kernels take none.
  const float* factors = nullptr;
  const std::int32_t* output_rows = nullptr;
  std::byte* scratch = nullptr;  // gemm_scratch_bytes(), at a multiple of 64, private to the thread
};

// Memory that a kernel needs for unpacked weights and for sums; 0 for most.
std::size_t gemm_scratch_bytes(const GemmSpec& spec, const jit::Target& target);
// On the target that needs most.
std::size_t most_gemm_scratch_bytes(const GemmSpec& spec);

// Whether the kernel multiplies on AMX: int8 activations from 16 rows on, bf16 and f16 ones always.
bool uses_amx(const GemmSpec& spec, const jit::Target& target);

// Throws burin::Error naming what no kernel can do. Stream kernels take rows == 1.
jit::CodeImage emit_gemm(const GemmSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
