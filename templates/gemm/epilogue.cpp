// Epilogues that stay within a block: store, residual, gated product.
#include <bit>

#include "templates/gemm/gemm_emitter.hpp"
#include "templates/math/exp2.hpp"

namespace burin::kernels {
namespace {

class Epilogue {
 public:
  Epilogue(const GemmContext& context, const TileRegisters& tile, int pass)
      : c_(context), a(context.a), tile_(tile), pass_(pass) {}

  void emit() {
    switch (c_.spec.epilogue) {
      case GemmEpilogue::store: store(); break;
      case GemmEpilogue::add: add(); break;
      case GemmEpilogue::gate_silu: gate_silu(); break;
      case GemmEpilogue::rope_kv: emit_rope_kv_epilogue(c_, tile_, pass_); break;
    }
  }

 private:
  Xbyak::Address output(int row, int block_vector) const {
    const std::int64_t displacement = row * c_.spec.output_stride * 4 + block_vector * a.vector_bytes();
    return a.ptr[c_.r.output + jit::offset(displacement)];
  }

  void store() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v)
        a.vmovups(output(row, tile_.block_vector(pass_, v)), tile_.sum(row, v));
  }

  void add() {
    // residual = output + (residual base - output base): both have the same stride.
    const Xbyak::Reg64 residual = c_.r.free;
    a.mov(residual, c_.argument(offsetof(GemmArguments, residual)));
    a.sub(residual, c_.argument(offsetof(GemmArguments, output)));
    a.add(residual, c_.r.output);
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) {
        const int vector = tile_.block_vector(pass_, v);
        const std::int64_t displacement = row * c_.spec.output_stride * 4 + vector * a.vector_bytes();
        a.vaddps(tile_.sum(row, v), tile_.sum(row, v), a.ptr[residual + jit::offset(displacement)]);
        a.vmovups(output(row, vector), tile_.sum(row, v));
      }
  }

  // silu(g) * u = g * u / (1 + 2^(-g * log2 e))
  void gate_silu() {
    const int half = tile_.vectors() / 2;
    const int first_free = tile_.rows() * tile_.vectors();
    const jit::Vector power = a.vector(first_free);
    const jit::Vector scratch0 = a.vector(first_free + 1);
    const jit::Vector scratch1 = a.vector(first_free + 2);
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < half; ++v) {
        const jit::Vector gate = tile_.sum(row, v);
        const jit::Vector up = tile_.sum(row, v + half);
        a.vmulps(power, gate, a.vector_constant(std::bit_cast<std::uint32_t>(-1.44269504f)));
        emit_exp2(a, power, scratch0, scratch1);
        a.vaddps(power, power, a.vector_constant(std::bit_cast<std::uint32_t>(1.0f)));
        a.vmulps(gate, gate, up);
        a.vdivps(gate, gate, power);
        a.vmovups(output(row, tile_.block_vector(pass_, v)), gate);
      }
  }

  const GemmContext& c_;
  jit::Assembler& a;
  const TileRegisters& tile_;
  int pass_;
};

// sums += bias of their columns
void add_bias(const GemmContext& c, const TileRegisters& tile, int pass) {
  jit::Assembler& a = c.a;
  const Xbyak::Reg64 bias = c.r.free;
  a.mov(bias, c.r.block);
  a.shl(bias, 7);  // 32 floats per block
  a.add(bias, c.argument(offsetof(GemmArguments, bias)));
  for (int row = 0; row < tile.rows(); ++row)
    for (int v = 0; v < tile.vectors(); ++v)
      a.vaddps(tile.sum(row, v), tile.sum(row, v),
               a.ptr[bias + jit::offset(tile.block_vector(pass, v) * a.vector_bytes())]);
}

}  // namespace

void emit_epilogue(const GemmContext& context, const TileRegisters& tile, int pass) {
  if (context.spec.bias) add_bias(context, tile, pass);
  Epilogue(context, tile, pass).emit();
}

}  // namespace burin::kernels
