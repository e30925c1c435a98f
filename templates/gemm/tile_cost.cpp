#include "templates/gemm/tile_cost.hpp"

#include <algorithm>

#include "jit/error.hpp"
#include "templates/gemm/code_planes.hpp"
#include "templates/gemm/tile_registers.hpp"

namespace burin::kernels {
namespace {

constexpr int kInputs = 32;
constexpr int kQuads = kInputs / 4;
constexpr double kStartsPerCycle = 2;
constexpr double kLatency = 5;  // of a product: 4 to 6 cycles on CPUs since Skylake and Zen
constexpr int kAddressableRows = 6;

// Codes of a quad to bytes: the first plane is masked, and shifted in the half of the quads or more; another plane
// is shifted and merged.
double decoding(const jit::Assembler& a, const WeightFormat& weights) {
  if (weights.is_fp8()) return 0;  // counted as numbers
  const auto planes = static_cast<double>(code_planes(weights.bits).size());
  return 1.7 + 2 * (planes - 1) + (weights.is_table() ? code_parts(a, weights) : 0);
}

// Bytes of a quad to four floats: shift, look-up or mask, subtraction and conversion; then the scale.
double converting(const jit::Assembler& a, const WeightFormat& weights) {
  return 4 * (looks_up_floats(a, weights) || weights.is_fp8() ? 3 : 5);
}

TileCost int8_cost(const jit::Assembler& a, Activation activation, const WeightFormat& weights) {
  double dots = (a.isa().dot_is_one_instruction() ? 1 : 3) * code_parts(a, weights);
  if (multiplies_signed(a, weights)) dots = 4;
  const int group = std::min(activation_rows(activation, kInputs, weights).group, kLargestActivationGroup);
  const double scaling = (activation == Activation::s8 ? 3 : 2) + (weights.symmetric ? 0 : 1);
  TileCost cost;
  cost.shared = kQuads * decoding(a, weights);
  cost.of_row = kQuads * dots + scaling * kInputs / group;
  cost.chain = kQuads * kLatency;
  return cost;
}

TileCost float_cost(const jit::Assembler& a, const WeightFormat& weights) {
  TileCost cost;
  if (weights.has_codes()) cost.shared = kQuads * (decoding(a, weights) + converting(a, weights));
  cost.of_row = kInputs;
  cost.chain = kInputs * kLatency;
  return cost;
}

TileCost half_cost(Activation activation) {
  TileCost cost;
  constexpr double kAddingF16 = 2.5;                  // five instructions behind 64 inputs (half_sums.cpp)
  const bool pairs = activation == Activation::bf16;  // two products in an instruction
  cost.of_row = pairs ? kInputs / 2 : kInputs + kAddingF16;
  cost.chain = kInputs / 2 * kLatency;
  return cost;
}

}  // namespace

double TileCost::cycles(int rows) const {
  return std::max((shared + rows * of_row) / kStartsPerCycle, chain);
}

TileCost tile_cost(const jit::Assembler& a, Activation activation, const WeightFormat& weights) {
  TileCost of_vector;
  if (is_int8(activation))
    of_vector = int8_cost(a, activation, weights);
  else
    of_vector = is_half(activation) ? half_cost(activation) : float_cost(a, weights);
  const int vectors = BlockTile(a, 1, false).vectors();
  return {of_vector.shared * vectors, of_vector.of_row * vectors, of_vector.chain};
}

int cheapest_tile_rows(const jit::Assembler& a, Activation activation, const WeightFormat& weights) {
  const TileCost cost = tile_cost(a, activation, weights);
  int cheapest = 0;
  for (int rows = 1; rows <= kAddressableRows; ++rows) {
    if (TileRegisters(a, activation, weights, rows).broadcasts() < 1) break;
    if (cheapest == 0 || cost.cycles_per_row(rows) <= cost.cycles_per_row(cheapest)) cheapest = rows;
  }
  if (cheapest == 0)
    fail("gemm: no register tile of {} registers fits weights {}", a.vector_registers(), to_text(weights));
  return cheapest;
}

}  // namespace burin::kernels
