// Row preparation as a kernel of its own: used in prefill, where many rows are shared out over threads.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/activation_rows.hpp"
#include "templates/formats/weight_format_field.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::kernels {

struct PrepareSpec {
  static constexpr std::string_view kKind = "prepare";
  std::int64_t inputs = 32;
  WeightFormat weights;  // of the GEMM that will read the rows
  Activation activation = Activation::f32;
  RowNorm norm = RowNorm::none;
  std::int64_t input_stride = 32;  // floats
  bool gather = false;             // rows are picked by number

  bool operator==(const PrepareSpec&) const = default;
};

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, PrepareSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [inputs, weights, activation, norm, input_stride, gather] = spec;
  visit("k", inputs);
  visit("w", weights);
  visit("a", activation);
  visit("norm", norm);
  visit("is", input_stride);
  visit("gather", gather);
}

// Rows [0, rows) of input, or rows numbers[0 .. rows) of it, to rows of the activation layout
// (activation_rows(...)), one after the other.
struct PrepareArguments {
  const float* input = nullptr;
  std::byte* output = nullptr;
  const float* norm_weight = nullptr;  // padded with zeros to the activation rows' padded length
  const float* norm_bias = nullptr;    // the same; layer norm only
  std::int64_t rows = 0;
  float epsilon = 0;
  const std::int32_t* numbers = nullptr;  // gather
};

jit::CodeImage emit_prepare(const PrepareSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
