// What finished sums are multiplied with before the epilogue.
#include <algorithm>
#include <bit>

#include "templates/gemm/float8_decoder.hpp"
#include "templates/gemm/gemm_emitter.hpp"

namespace burin::kernels {
namespace {

// Values of tables are counted in steps, and scales of some types are a power of two too small.
float int8_sum_factor(const WeightFormat& weights) {
  const int steps = std::max(value_table(weights.table).steps, 1);
  return Float8Decoder::scale_factor(weights) / static_cast<float>(steps);
}

float unpacking_factor(const GemmSpec& spec) {
  if (is_int8(spec.activation)) return int8_sum_factor(spec.weights);
  return is_half(spec.activation) ? widened_sum_factor(spec) : 1;
}

void scale_rows(const GemmContext& context, const TileRegisters& tile) {
  jit::Assembler& a = context.a;
  for (int row = 0; row < tile.rows(); ++row) {
    a.vbroadcastss(tile.scratch(), a.dword[context.row(row)]);
    for (int v = 0; v < tile.vectors(); ++v) a.vmulps(tile.sum(row, v), tile.sum(row, v), tile.scratch());
  }
}

void scale_columns(const GemmContext& context, const TileRegisters& tile, int pass, float factor) {
  jit::Assembler& a = context.a;
  const bool of_columns = context.spec.weights.has_factors();
  if (!of_columns && factor == 1) return;
  for (int v = 0; v < tile.vectors(); ++v) {
    const int column = tile.block_vector(pass, v) * a.lanes();
    if (of_columns)
      a.vmovups(tile.scale(v), a.ptr[context.r.weights + jit::offset(column * 4)]);
    else
      a.broadcast_float(tile.scale(v), factor);
    if (of_columns && factor != 1)
      a.vmulps(tile.scale(v), tile.scale(v), a.vector_constant(std::bit_cast<std::uint32_t>(factor)));
    for (int row = 0; row < tile.rows(); ++row) a.vmulps(tile.sum(row, v), tile.sum(row, v), tile.scale(v));
  }
}

}  // namespace

void find_factors(const GemmContext& context) {
  if (!context.spec.weights.has_factors()) return;
  jit::Assembler& a = context.a;
  a.imul(context.r.weights, context.r.block, static_cast<int>(context.packed.block_bytes));
  a.add(context.r.weights, context.argument(offsetof(GemmArguments, weights)));
  a.add(context.r.weights,
        static_cast<std::uint32_t>(context.packed.block_bytes - context.packed.factor_bytes));
}

float widened_sum_factor(const GemmSpec& spec) {
  return spec.activation == Activation::f16 && spec.weights.has_factors() ? 0x1p11f : 1;
}

void emit_sum_factors(const GemmContext& context, const TileRegisters& tile, int pass) {
  if (context.activations.has_row_factor()) scale_rows(context, tile);
  scale_columns(context, tile, pass, unpacking_factor(context.spec));
}

}  // namespace burin::kernels
