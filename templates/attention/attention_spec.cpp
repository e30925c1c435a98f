#include "templates/attention/attention_spec.hpp"

#include <algorithm>

#include "jit/spec_text.hpp"
#include "templates/attention/attention_layout.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kMathNames[] = {"f32", "bf16", "amx", "int8", "int16"};

// Measured best: panels and scores stay in the first-level caches. On AMX keys and values are what must come from the
// second-level cache, the less often the more rows there are: 2048 keys of 32 heads take 23.7 ms in rows of 48, 21 of 128.
int query_rows(const AttentionSpec& spec) { return spec.math == AttentionMath::amx ? 128 : 48; }

}  // namespace

void write_field(std::string& text, const AttentionMath& math) { jit::write_name(text, math, kMathNames); }
void read_field(std::string_view text, AttentionMath& math) { jit::read_name(text, math, kMathNames); }

bool computes(const jit::Target& target, AttentionMath math) {
  using enum jit::Feature;
  switch (math) {
    case AttentionMath::f32:
    case AttentionMath::int16: return true;
    case AttentionMath::bf16: return target.has(avx512bf16);
    case AttentionMath::amx: return target.has(amx_bf16) && target.has(avx512bf16);
    case AttentionMath::int8: return target.has(avx512vnni) || target.has(avxvnni);
  }
  return false;
}

AttentionMath fastest_attention_math(KvStorage kv, const jit::Target& target) {
  using enum AttentionMath;
  if (kv == KvStorage::int8) return computes(target, int8) ? int8 : int16;
  return kv == KvStorage::bf16 && computes(target, bf16) ? bf16 : f32;
}

AttentionProducts attention_products(const AttentionSpec& spec) {
  const double keys = spec.heads.head_size;
  const double values = spec.heads.value_width();
  switch (spec.math) {
    case AttentionMath::f32: return {keys + values, Activation::f32};
    case AttentionMath::bf16:
    case AttentionMath::amx: return {keys + values, Activation::bf16};
    case AttentionMath::int8: return {keys + 2 * values, Activation::s8};     // a probability is two bytes
    case AttentionMath::int16: return {2 * (keys + values), Activation::s8};  // a word counts as two bytes
  }
  return {};
}

int attention_heads_per_call(const AttentionSpec& spec) {
  const int group = spec.heads.group();
  const int parts = (group + query_rows(spec) - 1) / query_rows(spec);
  return (group + parts - 1) / parts;
}

int attention_rows_per_call(const AttentionSpec& spec) {
  return std::max(1, query_rows(spec) / attention_heads_per_call(spec));
}

std::size_t attention_part_bytes(const AttentionSpec& spec) {
  return static_cast<std::size_t>(AttentionScratch(spec).part_bytes());
}

std::size_t attention_scratch_bytes(const AttentionSpec& spec) {
  return static_cast<std::size_t>(AttentionScratch(spec).bytes);
}

}  // namespace burin::kernels
