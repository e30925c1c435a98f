// Query, key and value heads that a GEMM left in rows: clipped, normalised, rotated and stored. For models that do
// more between projection and cache than a GEMM's epilogue can, which never sees a whole head.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/head_layout.hpp"
#include "templates/heads/kv_arguments.hpp"
#include "templates/prepare/row_norm.hpp"

namespace burin::kernels {

// What is normalised together: a head, or all query heads and all key heads.
enum class HeadNormUnit : std::uint8_t { head, part };

struct HeadsSpec {
  static constexpr std::string_view kKind = "heads";
  HeadLayout heads;
  RowNorm norm = RowNorm::none;  // of queries and keys
  HeadNormUnit unit = HeadNormUnit::head;
  bool clip = false;               // queries, keys and values are held within -limit .. limit first
  std::int64_t input_stride = 32;  // floats; input rows have the columns of the merged matrix
  std::int64_t output_stride = 32;

  bool operator==(const HeadsSpec&) const = default;
};

void write_field(std::string& text, const HeadNormUnit& unit);
void read_field(std::string_view text, HeadNormUnit& unit);

template <typename Spec, typename Visitor>
requires std::is_same_v<std::remove_const_t<Spec>, HeadsSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [heads, norm, unit, clip, input_stride, output_stride] = spec;
  visit("heads", heads);
  visit("norm", norm);
  visit("of", unit);
  visit("clip", clip);
  visit("is", input_stride);
  visit("os", output_stride);
}

// Column blocks [first_block, last_block) of the merged matrix, of all rows. With an int8 cache both are what
// HeadLayout::next_share gives.
struct HeadsArguments {
  const float* input = nullptr;
  float* output = nullptr;  // query rows; may be input
  const float* norm_weight =
      nullptr;                       // in the order of the merged columns, queries and keys; zero in padding
  const float* norm_bias = nullptr;  // the same; layer norm only
  std::int64_t rows = 0;
  std::int64_t first_block = 0;
  std::int64_t last_block = 0;
  float epsilon = 0;
  float limit = 0;
  KvArguments kv;
};

// Throws burin::Error naming what no kernel can do.
jit::CodeImage emit_heads(const HeadsSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
