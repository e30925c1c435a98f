#include "templates/gemm/widened_part.hpp"

#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/weight_values.hpp"

namespace burin::kernels {
namespace {

// The part of the next block that belongs to a step, which is due after all rows have been multiplied with this one's.
void prefetch_next_block(const GemmContext& c, int inputs) {
  const std::size_t bytes = c.packed.block_bytes * static_cast<std::size_t>(inputs) /
                            static_cast<std::size_t>(c.packed.padded_inputs);
  for (std::size_t line = 0; line < bytes; line += 64)
    c.a.prefetcht1(c.a.ptr[c.r.weights + c.packed.block_bytes + line]);
}

}  // namespace

void emit_widened_part(const GemmContext& context) {
  jit::Assembler& a = context.a;
  const TileRegisters tile(a, Activation::f32, context.spec.weights, 1);
  const jit::RoleScope scope(a);
  const Xbyak::Reg64 to = a.name(context.r.row, "widened");
  const auto even = [&](int v) { return tile.broadcast(v, {"even", v}); };
  const auto odd = [&](int v) { return a.name(tile.weight(v), {"odd", v}); };
  const auto store_pairs = [&](int input) {
    if (input % 2 == 0) return;  // waits for its neighbour
    for (int v = 0; v < tile.vectors(); ++v) {
      if (context.spec.activation == Activation::bf16)
        a.isa().pack_bf16_pairs(even(v), odd(v), tile.scratch());
      else
        a.isa().pack_f16_pairs(even(v), odd(v), tile.scratch());
      a.vmovups(a.ptr[to + jit::offset(input / 2 * kWidenedPairBytes + v * a.vector_bytes())], even(v));
    }
  };
  WeightValues(context, tile, 0,
               {[&](int input, int v) { return input % 2 == 0 ? even(v) : odd(v); }, store_pairs,
                [&](int inputs) {
                  prefetch_next_block(context, inputs);
                  a.add(to, static_cast<std::uint32_t>(inputs / 2 * kWidenedPairBytes));
                }})
      .emit();
  const std::int64_t zeros = widened_inputs(context.packed) - context.packed.padded_inputs;
  if (zeros == 0) return;
  a.zero(tile.scratch());
  for (int pair = 0; pair < zeros / 2; ++pair)
    for (int v = 0; v < tile.vectors(); ++v)
      a.vmovups(a.ptr[to + jit::offset(pair * kWidenedPairBytes + v * a.vector_bytes())], tile.scratch());
}

}  // namespace burin::kernels
