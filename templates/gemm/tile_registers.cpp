#include "templates/gemm/tile_registers.hpp"

#include <algorithm>

#include "templates/gemm/code_planes.hpp"

namespace burin::kernels {
namespace {

int masks_of_codes(const WeightFormat& weights) {
  if (weights.is_fp8()) return 1;
  if (!weights.has_codes()) return 0;
  const std::vector<CodePlane> planes = code_planes(weights.bits);
  return static_cast<int>(std::count_if(planes.begin(), planes.end(),
                                        [](const CodePlane& plane) { return plane.is_part_of_bytes(); }));
}

}  // namespace

int code_parts(const jit::Assembler& a, const WeightFormat& weights) {
  if (!weights.is_table() && !weights.is_integer()) return 1;  // floats have no codes that are multiplied
  const int largest = weights.is_table() ? value_table(weights.table).span() : (1 << weights.bits) - 1;
  return largest > a.isa().largest_dot_code() ? 2 : 1;
}

bool multiplies_signed(const jit::Assembler& a, const WeightFormat& weights) {
  return code_parts(a, weights) == 2 && weights.symmetric && a.isa().has_signed_dot();
}

bool looks_up_floats(const jit::Assembler& a, const WeightFormat& weights) {
  if (weights.is_float_table()) return true;
  return weights.has_codes() && (1 << weights.bits) <= a.lanes();
}

TileRegisters::TileRegisters(const jit::Assembler& a, Activation activation, const WeightFormat& weights,
                             int rows)
    : BlockTile(a, rows, is_int8(activation) && rows == 1), a_(a), registers_(a.vector_registers()) {
  slots_ = rows == 1 ? 2 : vectors();

  take(rows * vectors());  // sums
  if (is_int8(activation)) {
    take(rows * vectors());  // dots
    codes_ = take(slots_ * code_parts(a, weights));
    scales_ = minimums_ = codes_;  // needed one after the other
  } else {
    if (activation == Activation::f16) take(rows * vectors());  // dots
    const bool dequantises = activation == Activation::f32 && weights.has_codes();
    codes_ = take(dequantises && !weights.is_fp8() ? slots_ : 0);
    scales_ = take(dequantises ? slots_ : 0);
    minimums_ = take(dequantises && !weights.symmetric ? slots_ : 0);
    weights_ = take(vectors());
  }
  scratch_ = take(1);
  look_up_scratch_ = take(activation == Activation::f32 && weights.is_float_table() ? 1 : 0);
  broadcasts_ = next_;
  share_out_rest(kept_tables(activation, weights), masks_of_codes(weights));
}

int TileRegisters::kept_tables(Activation activation, const WeightFormat& weights) const {
  if (!weights.is_table()) return 0;
  if (is_int8(activation)) return code_parts(a_, weights);
  return activation == Activation::f32 && !looks_up_floats(a_, weights) ? 1 : 0;
}

// One register at least is left for broadcasts; then tables come first, which save a load for each look-up, and masks,
// which save one for each plane of a quad.
void TileRegisters::share_out_rest(int tables, int masks) {
  const int rest = registers_ - broadcasts_;
  has_tables_ = tables > 0 && rest > tables;
  if (has_tables_) tables_ = registers_ -= tables;
  masks_ = std::clamp(registers_ - broadcasts_ - 2, 0, masks);
  registers_ -= masks_;
}

int TileRegisters::take(int registers) {
  const int first = next_;
  next_ += registers;
  return first;
}

}  // namespace burin::kernels
