// Embedding rows: one column of a packed matrix per token, dequantised to f32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/formats/weight_format_field.hpp"

namespace burin::kernels {

// The table is packed like any other weight matrix (columns = vocabulary), so that a tied output head needs
// no second copy.
struct EmbedSpec {
  static constexpr std::string_view kKind = "embed";
  std::int64_t width = 32;       // inputs of the packed matrix
  std::int64_t vocabulary = 32;  // columns, a multiple of 32
  WeightFormat weights;
  bool scaled = false;              // rows are multiplied by a factor
  std::int64_t output_stride = 32;  // floats

  bool operator==(const EmbedSpec&) const = default;
};

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, EmbedSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [width, vocabulary, weights, scaled, output_stride] = spec;
  visit("k", width);
  visit("n", vocabulary);
  visit("w", weights);
  visit("scaled", scaled);
  visit("os", output_stride);
}

// Writes `width` floats per row and zeros behind them, up to the group (or to 8 for float formats).
struct EmbedArguments {
  const std::byte* weights = nullptr;
  const std::int32_t* tokens = nullptr;  // rows ids, each below vocabulary
  float* output = nullptr;
  std::int64_t rows = 0;
  float factor = 1;  // scaled
};

jit::CodeImage emit_embed(const EmbedSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
