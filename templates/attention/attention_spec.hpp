// Causal attention of one KV head and query heads that share it, for a range of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "jit/code_image.hpp"
#include "jit/target.hpp"
#include "templates/activation_rows.hpp"
#include "templates/head_layout.hpp"

namespace burin::kernels {

// dot products in f32, or
//   bf16   by vdpbf16ps with queries and probabilities rounded to bf16 (bf16 caches and AVX512-BF16 only),
//   amx    the same by tdpbf16ps, for many rows (bf16 caches and AMX-BF16 only),
//   int8   by vpdpbusd, with queries rounded like the keys, to bytes with a scale per row and head, and probabilities as
//          whole numbers of two bytes, less than 2^-16 of the largest among 256 keys off (int8 caches and VNNI only),
//   int16  by vpmaddwd, with queries 2^-14 of the largest off, probabilities 2^-15 (int8 caches only).
enum class AttentionMath : std::uint8_t { f32, bf16, amx, int8, int16 };

// Whether kernels of the target multiply so.
bool computes(const jit::Target& target, AttentionMath math);
// The fastest that the cache's numbers and the target allow. Not amx, whose results differ from those of single rows.
AttentionMath fastest_attention_math(KvStorage kv, const jit::Target& target);

struct AttentionSpec {
  static constexpr std::string_view kKind = "attention";
  HeadLayout heads;
  AttentionMath math = AttentionMath::f32;
  std::int64_t window = 0;  // a row attends to its own position and window - 1 before it; 0: to all before it
  bool soft_cap = false;    // scores become cap * tanh(score / cap) (Gemma 2)
  bool alibi = false;       // scores become score - slope * distance (Press, Smith & Lewis 2022)
  bool sinks = false;       // a score per head takes part in the softmax, with no value (gpt-oss)
  bool parts = false;       // the keys of one row may be shared out; see AttentionArguments::part
  bool factors = false;     // the dot products of a row have a factor of its own (Qwen 1 beyond its context)

  bool operator==(const AttentionSpec&) const = default;
};

template <typename Spec, typename Visitor>
requires std::same_as<std::remove_const_t<Spec>, AttentionSpec>
void visit_fields(Spec& spec, Visitor&& visit) {
  auto& [heads, math, window, soft_cap, alibi, sinks, parts, factors] = spec;
  visit("heads", heads);
  visit("math", math);
  visit("window", window);
  visit("cap", soft_cap);
  visit("alibi", alibi);
  visit("sinks", sinks);
  visit("parts", parts);
  visit("factors", factors);
}
void write_field(std::string& text, const AttentionMath& math);
void read_field(std::string_view text, AttentionMath& math);

// A run of cache slots whose keys have consecutive positions.
struct KeySpan {
  std::int64_t first_slot = 0;
  std::int64_t end_slot = 0;
  std::int64_t shift = 0;  // a key's position less its slot
};

// Rows are positions `position` .. position + rows - 1, whose keys and values are already in the cache.
// A row attends to the keys of the spans whose positions go up to its own and lie in the window; its own key is
// among them. A ring that has wrapped is up to three spans: first tokens that stay, those before the wrap, and those
// behind it. Row r, query head h of the call (0 .. heads-1):
//   query  at query  + r*query_stride  + h*query_head_columns floats, in pair_column order
//   output at output + r*output_stride + h*value_width floats (value_width floats are written)
struct AttentionArguments {
  const float* query = nullptr;
  float* output = nullptr;
  const std::byte* const* blocks = nullptr;  // of the cache, 64 slots each; see head_layout.hpp
  std::int64_t head_offset = 0;              // bytes from a block's start to the layer's KV head
  const KeySpan* spans = nullptr;
  std::int64_t span_count = 0;
  std::byte* scratch = nullptr;   // attention_scratch_bytes(), 64-byte aligned, private to the thread
  std::int64_t query_stride = 0;  // floats
  std::int64_t output_stride = 0;
  std::int64_t position = 0;
  std::int64_t rows = 0;           // at most attention_rows_per_call()
  std::int64_t heads = 0;          // of the group; at most attention_heads_per_call()
  float scale = 1;                 // of the dot products: 1/sqrt(head_size) in most models
  float cap = 0;                   // soft_cap
  const float* slopes = nullptr;   // alibi: of the call's heads
  const float* sinks = nullptr;    // sinks: scores of the call's heads
  const float* factors = nullptr;  // factors: of the call's rows, beside `scale`

  // parts: a call goes through the slots first_slot .. end_slot - 1 only (multiples of 256; what no row sees is
  // left out). With `part`, it leaves its unfinished sums there, attention_part_bytes(). With part_count, it
  // attends to nothing but finishes the outputs of one row from so many of them, which begin at `part` and lie
  // one behind the other in the order of their keys: Flash-Decoding (Dao, Haziza, Massa & Sizov, 2023).
  std::int64_t first_slot = 0;
  std::int64_t end_slot = 0;
  std::byte* part = nullptr;
  std::int64_t part_count = 0;
};

// Query heads of one call: the whole group, or equal parts of it where that is larger than about 48 (128 on AMX).
int attention_heads_per_call(const AttentionSpec& spec);
// Rows of one call: so many that the rows of all its heads fill the query tiles (about 48 of them, 128 on AMX).
int attention_rows_per_call(const AttentionSpec& spec);
// Of one row and all heads of a call.
std::size_t attention_part_bytes(const AttentionSpec& spec);
// Independent of the context length.
std::size_t attention_scratch_bytes(const AttentionSpec& spec);

// Multiply-adds for a query head and one of the keys that it sees, and of what.
struct AttentionProducts {
  double macs;
  Activation type;
};
AttentionProducts attention_products(const AttentionSpec& spec);

// Throws burin::Error where the target lacks what the spec's math needs.
jit::CodeImage emit_attention(const AttentionSpec& spec, const jit::Target& target);

}  // namespace burin::kernels
