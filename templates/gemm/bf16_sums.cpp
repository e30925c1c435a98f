// Sums of a bf16 tile: dot products of two inputs at a time, added up in f32.
#include "templates/gemm/gemm_emitter.hpp"
#include "templates/gemm/unpacked_shape.hpp"

namespace burin::kernels {
namespace {

constexpr int kPairs = 4;  // of a loop body

void multiply_pair(const GemmContext& c, const TileRegisters& tile, int pair, int& turn) {
  jit::Assembler& a = c.a;
  for (int v = 0; v < tile.vectors(); ++v)
    a.vmovups(tile.weight(v),
              a.ptr[c.r.weights + jit::offset(pair * kWidenedPairBytes + v * a.vector_bytes())]);
  for (int row = 0; row < tile.rows(); ++row) {
    const jit::Vector activations = tile.broadcast(turn++);
    a.vpbroadcastd(activations, a.dword[c.row(row) + jit::offset(pair * 4)]);
    for (int v = 0; v < tile.vectors(); ++v) a.vdpbf16ps(tile.sum(row, v), tile.weight(v), activations);
  }
}

}  // namespace

void emit_bf16_sums(const GemmContext& context, const TileRegisters& tile) {
  jit::Assembler& a = context.a;
  for (int row = 0; row < tile.rows(); ++row)
    for (int v = 0; v < tile.vectors(); ++v) a.zero(tile.sum(row, v));
  a.mov(context.r.groups_left, static_cast<std::uint32_t>(widened_inputs(context.packed) / (2 * kPairs)));
  Xbyak::Label loop;
  int turn = 0;
  a.align(64);
  a.L(loop);
  for (int pair = 0; pair < kPairs; ++pair) multiply_pair(context, tile, pair, turn);
  context.advance_rows(tile.rows(), kPairs * 4);
  a.add(context.r.weights, static_cast<std::uint32_t>(kPairs * kWidenedPairBytes));
  a.dec(context.r.groups_left);
  a.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
}

}  // namespace burin::kernels
