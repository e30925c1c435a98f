// Causal attention of one KV head and all query heads that share it, for a range of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/head_layout.hpp"

namespace burin::kernels {

// dot products in f32, or (bf16 cache and AVX512-BF16 only) by vdpbf16ps with queries and probabilities
// rounded to bf16.
enum class AttentionMath : std::uint8_t { f32, bf16 };

struct AttentionSpec {
  static constexpr std::string_view kKind = "attention";
  HeadLayout heads;
  AttentionMath math = AttentionMath::f32;

  bool operator==(const AttentionSpec&) const = default;
};

template <typename Spec, typename Visitor>
requires std::same_as<std::remove_const_t<Spec>, AttentionSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [heads, math] = spec;
  visit("heads", heads);
  visit("math", math);
}
void write_field(std::string& text, const AttentionMath& math);
void read_field(std::string_view text, AttentionMath& math);

// Rows are positions `position` .. position + rows - 1, whose keys and values are already in the cache.
// A row attends to all positions up to its own. Row r, query head h of the group (0 .. group-1):
//   query  at query  + r*query_stride  + h*query_head_columns floats, in pair_column order
//   output at output + r*output_stride + h*head_size floats (head_size floats are written)
struct AttentionArguments {
  const float* query = nullptr;
  float* output = nullptr;
  const std::byte* kv = nullptr;  // this KV head's cache
  std::byte* scratch = nullptr;   // attention_scratch_bytes(), 64-byte aligned, private to the thread
  std::int64_t query_stride = 0;  // floats
  std::int64_t output_stride = 0;
  std::int64_t position = 0;
  std::int64_t rows = 0;  // at most attention_rows_per_call()
  float scale = 1;        // of the dot products: 1/sqrt(head_size) in most models
};

// Rows of one call: so many that the rows of all grouped heads fill the query tiles (about 48 of them).
int attention_rows_per_call(const AttentionSpec& spec);
// Independent of the context length.
std::size_t attention_scratch_bytes(const AttentionSpec& spec);

// Throws burin::Error where the target lacks what the spec's math needs.
jit::CodeImage emit_attention(const AttentionSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
