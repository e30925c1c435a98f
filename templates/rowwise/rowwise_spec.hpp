// Operations on whole rows that no pass fused into a neighbouring kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/math/activation_function.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::kernels {

enum class RowOperation : std::uint8_t {
  norm,      // y = the normalised x
  activate,  // y = function(x)
  add,       // y = x + other
  multiply,  // y = x * other
  scale,     // y = constant * x
  clip,      // y = x within -constant .. constant
  soft_cap,  // y = constant * tanh(x / constant)
};

struct RowwiseSpec {
  static constexpr std::string_view kKind = "rowwise";
  RowOperation operation = RowOperation::add;
  RowNorm norm = RowNorm::none;                            // norm
  ActivationFunction function = ActivationFunction::none;  // activate
  std::int64_t width = 32;                                 // values of a row
  std::int64_t input_stride = 32;                          // floats
  std::int64_t other_stride = 32;                          // add, multiply
  std::int64_t output_stride = 32;

  bool operator==(const RowwiseSpec&) const = default;
};

void write_field(std::string& text, const RowOperation& operation);
void read_field(std::string_view text, RowOperation& operation);

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, RowwiseSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [operation, norm, function, width, input_stride, other_stride, output_stride] = spec;
  visit("op", operation);
  visit("norm", norm);
  visit("f", function);
  visit("n", width);
  visit("is", input_stride);
  visit("ys", other_stride);
  visit("os", output_stride);
}

// All rows are zero from `width` up to the next multiple of 32 and stay so: soft caps, clips and functions keep 0.
struct RowwiseArguments {
  const float* input = nullptr;
  const float* other = nullptr;
  float* output = nullptr;             // may be input or other
  const float* norm_weight = nullptr;  // zero past `width`
  const float* norm_bias = nullptr;    // the same; layer norm only
  std::int64_t rows = 0;
  float epsilon = 0;
  float constant = 0;
};

jit::CodeImage emit_rowwise(const RowwiseSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
