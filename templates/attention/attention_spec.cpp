#include "templates/attention/attention_spec.hpp"

#include <algorithm>

#include "jit/spec_text.hpp"
#include "templates/attention/attention_layout.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kMathNames[] = {"f32", "bf16"};
constexpr int kQueryRows = 48;  // measured best: panels and scores stay in the first-level caches

}  // namespace

void write_field(std::string& text, const AttentionMath& math) { jit::write_name(text, math, kMathNames); }
void read_field(std::string_view text, AttentionMath& math) { jit::read_name(text, math, kMathNames); }

int attention_heads_per_call(const AttentionSpec& spec) {
  const int group = spec.heads.group();
  const int parts = (group + kQueryRows - 1) / kQueryRows;
  return (group + parts - 1) / parts;
}

int attention_rows_per_call(const AttentionSpec& spec) {
  return std::max(1, kQueryRows / attention_heads_per_call(spec));
}

std::size_t attention_part_bytes(const AttentionSpec& spec) {
  return static_cast<std::size_t>(AttentionScratch(spec).part_bytes());
}

std::size_t attention_scratch_bytes(const AttentionSpec& spec) {
  return static_cast<std::size_t>(AttentionScratch(spec).bytes);
}

}  // namespace burin::kernels
