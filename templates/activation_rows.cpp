#include "templates/activation_rows.hpp"

#include <algorithm>

#include "jit/spec_text.hpp"

namespace burin::kernels {
namespace {

constexpr std::string_view kNames[] = {"f32", "s8"};

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Rows a power of two apart would fall into the same cache sets; an odd number of lines avoids it.
std::int64_t odd_lines(std::int64_t bytes) {
  const std::int64_t lines = (bytes + 63) / 64;
  return (lines | 1) * 64;
}

}  // namespace

void write_field(std::string& text, const Activation& activation) {
  jit::write_name(text, activation, kNames);
}
void read_field(std::string_view text, Activation& activation) { jit::read_name(text, activation, kNames); }

ActivationRows activation_rows(Activation type, std::int64_t inputs, const WeightFormat& weights) {
  ActivationRows rows;
  rows.type = type;
  rows.inputs = inputs;
  rows.padded = round_up(inputs, weights.is_two_level() ? kSuperblock : std::max(32, weights.group));
  if (type == Activation::f32) {
    rows.row_bytes = odd_lines(rows.padded * 4);
    return rows;
  }
  rows.group = weights.group;
  while (rows.group > kLargestActivationGroup && rows.group % 64 == 0) rows.group /= 2;
  rows.row_bytes = odd_lines(rows.groups() * rows.group_bytes());
  return rows;
}

}  // namespace burin::kernels
