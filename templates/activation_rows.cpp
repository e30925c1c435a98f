#include "templates/activation_rows.hpp"

#include <algorithm>

#include "jit/error.hpp"
#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kNames[] = {"f32", "s8", "bf16", "f16", "s8row"};

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Rows a power of two apart would fall into the same cache sets; an odd number of lines avoids it.
std::int64_t odd_lines(std::int64_t bytes) {
  const std::int64_t lines = (bytes + 63) / 64;
  return (lines | 1) * 64;
}

// Inputs that share a correction: a weight group or a whole row, or an even part of a large one.
int activation_group(Activation type, const WeightFormat& weights, std::int64_t padded) {
  const std::int64_t group = weights.is_whole_row() ? padded : weights.group;
  const int largest = type == Activation::s8row ? kLargestInt32Group : kLargestActivationGroup;
  return group <= largest ? static_cast<int>(group) : part_of_group(group, kLargestActivationGroup);
}

}  // namespace

void write_field(std::string& text, const Activation& activation) {
  jit::write_name(text, activation, kNames);
}
void read_field(std::string_view text, Activation& activation) { jit::read_name(text, activation, kNames); }

bool computes(const jit::Target& target, Activation type) {
  switch (type) {
    case Activation::bf16: return target.has(jit::Feature::avx512bf16);
    case Activation::f16: return target.has(jit::Feature::avx512fp16);
    case Activation::f32:
    case Activation::s8:
    case Activation::s8row: return true;
  }
  return false;
}

void require_computes(const jit::Target& target, Activation type, const WeightFormat& weights,
                      std::string_view kernel) {
  if (is_int8(type) && !weights.is_integer())
    fail("kernel {}: weights that are no whole numbers cannot be multiplied with int8 activations: use a.f32",
         kernel);
  if (!computes(target, type))
    fail("kernel {}: target '{}' has no {} to multiply {} with: use a.f32", kernel, target.name,
         type == Activation::f16 ? "avx512fp16" : "avx512bf16", kNames[static_cast<std::size_t>(type)]);
}

std::int64_t ActivationRows::value_bytes() const {
  switch (type) {
    case Activation::s8:
    case Activation::s8row: return groups() * group_bytes();
    case Activation::bf16:
    case Activation::f16: return padded * 2;
    case Activation::f32: return padded * 4;
  }
  return 0;
}

std::int64_t ActivationRows::used_bytes() const {
  return value_bytes() + (has_row_factor() ? static_cast<std::int64_t>(sizeof(float)) : 0);
}

int part_of_group(std::int64_t group, int most) {
  if (group <= most) return static_cast<int>(group);
  int part = most;
  while (group % part != 0) part -= 32;
  return part;
}

ActivationRows activation_rows(Activation type, std::int64_t inputs, const WeightFormat& weights) {
  ActivationRows rows;
  rows.type = type;
  rows.inputs = inputs;
  rows.padded = round_up(inputs, weights.is_two_level() ? kSuperblock : std::max(32, weights.group));
  if (is_int8(type)) rows.group = activation_group(type, weights, rows.padded);
  rows.row_bytes = odd_lines(rows.used_bytes());
  return rows;
}

}  // namespace burin::kernels
