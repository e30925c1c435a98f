// Epilogues that stay within a block: store, residual, activation function, gated products, weighted sums.
#include <bit>

#include "templates/gemm/gemm_emitter.hpp"
#include "templates/heads/head_store.hpp"
#include "templates/math/activation_emitter.hpp"
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
      case GemmEpilogue::activate: activate(); break;
      case GemmEpilogue::gate: gate(); break;
      case GemmEpilogue::rope_kv: rope_kv(); break;
      case GemmEpilogue::clamped_gate: clamped_gate(); break;
      case GemmEpilogue::add_scaled: add_scaled(); break;
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
    const Xbyak::Reg64 residual = a.name(c_.r.free, "residual");
    find_residual(c_, residual);
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v) {
        const int vector = tile_.block_vector(pass_, v);
        const std::int64_t displacement = row * c_.spec.output_stride * 4 + vector * a.vector_bytes();
        a.vaddps(tile_.sum(row, v), tile_.sum(row, v), a.ptr[residual + jit::offset(displacement)]);
        a.vmovups(output(row, vector), tile_.sum(row, v));
      }
  }

  // The loop over K is done with its registers.
  void rope_kv() {
    const GemmRegisters& r = c_.r;
    emit_head_store(
        {a, c_.spec.heads, c_.spec.output_stride, r.arguments, offsetof(GemmArguments, kv), r.block,
         r.tile_row, r.output, r.free, r.groups_left, r.scales, r.row, r.row3, r.weights},
        tile_, pass_);
  }

  // The registers behind the sums.
  ActivationScratch scratch() const {
    const int first_free = tile_.rows() * tile_.vectors();
    return {a.vector(first_free, "power"), a.vector(first_free + 1, "first"),
            a.vector(first_free + 2, "second")};
  }

  void activate() {
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < tile_.vectors(); ++v)
        emit_activation(a, c_.spec.function, tile_.sum(row, v), scratch());
    store();
  }

  void gate() {
    const int half = tile_.vectors() / 2;
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < half; ++v) {
        const jit::Vector product = tile_.sum(row, v);
        emit_activation(a, c_.spec.function, product, scratch());
        a.vmulps(product, product, tile_.sum(row, v + half));
        a.vmovups(output(row, tile_.block_vector(pass_, v)), product);
      }
  }

  void clamped_gate() {
    const int half = tile_.vectors() / 2;
    for (int row = 0; row < tile_.rows(); ++row)
      for (int v = 0; v < half; ++v) {
        clamped_product(tile_.sum(row, v), tile_.sum(row, v + half));
        a.vmovups(output(row, tile_.block_vector(pass_, v)), tile_.sum(row, v));
      }
  }

  // gate = gate * sigmoid(slope * gate) * (up + 1) of the clamped values; g * sigmoid(y) = g / (1 + e^-y).
  void clamped_product(jit::Vector gate, jit::Vector up) {
    const auto [power, first, second] = scratch();
    a.vbroadcastss(first, c_.argument(offsetof(GemmArguments, limit)));
    a.zero(second);
    a.vsubps(second, second, first);
    a.vminps(gate, gate, first);
    a.vminps(up, up, first);
    a.vmaxps(up, up, second);
    a.vaddps(up, up, lanes(1.0f));
    a.vbroadcastss(power, c_.argument(offsetof(GemmArguments, slope)));
    a.vmulps(power, power, gate);
    a.vmulps(power, power, lanes(-kLog2E));
    emit_exp2(a, power, first, second);
    a.vaddps(power, power, lanes(1.0f));
    a.vdivps(gate, gate, power);
    a.vmulps(gate, gate, up);
  }

  Xbyak::Address lanes(float value) { return a.vector_constant(std::bit_cast<std::uint32_t>(value)); }

  // The loop over K is done with its registers.
  void add_scaled() {
    const bool stream = c_.spec.regime == GemmRegime::stream;
    const Xbyak::Reg64 factors = a.name(c_.r.scales, "factors");
    const Xbyak::Reg64 numbers = a.name(c_.r.groups_left, "numbers");
    const Xbyak::Reg64 block_output = a.name(c_.r.weights, "block_output");
    const Xbyak::Reg64 row_output = a.name(c_.r.free, "row_output");
    const jit::Vector factor = a.name(scratch().power, "factor");
    a.mov(factors, c_.argument(offsetof(GemmArguments, factors)));
    if (!stream) a.mov(numbers, c_.argument(offsetof(GemmArguments, output_rows)));
    a.mov(block_output, c_.r.block);
    a.shl(block_output, 7);  // 32 floats per block
    a.add(block_output, c_.argument(offsetof(GemmArguments, output)));
    for (int row = 0; row < tile_.rows(); ++row) {
      const Xbyak::RegExp entry = c_.r.tile_row * 4 + jit::offset(row * 4);
      if (!stream) {
        a.movsxd(row_output, a.dword[numbers + entry]);
        a.imul(row_output, row_output, static_cast<int>(c_.spec.output_stride * 4));
        a.add(row_output, block_output);
      }
      a.vbroadcastss(factor, a.dword[factors + entry]);
      for (int v = 0; v < tile_.vectors(); ++v) {
        const Xbyak::Address at = a.ptr[(stream ? block_output : row_output) +
                                        jit::offset(tile_.block_vector(pass_, v) * a.vector_bytes())];
        a.vfmadd213ps(tile_.sum(row, v), factor, at);
        a.vmovups(at, tile_.sum(row, v));
      }
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
  const Xbyak::Reg64 bias = a.name(c.r.free, "bias");
  a.mov(bias, c.r.block);
  a.shl(bias, 7);  // 32 floats per block
  a.add(bias, c.argument(offsetof(GemmArguments, bias)));
  for (int row = 0; row < tile.rows(); ++row)
    for (int v = 0; v < tile.vectors(); ++v)
      a.vaddps(tile.sum(row, v), tile.sum(row, v),
               a.ptr[bias + jit::offset(tile.block_vector(pass, v) * a.vector_bytes())]);
}

// sums *= factor
void scale_sums(const GemmContext& c, const TileRegisters& tile) {
  jit::Assembler& a = c.a;
  const jit::Vector factor = a.vector(tile.rows() * tile.vectors(), "factor");  // behind the sums
  a.vbroadcastss(factor, a.dword[c.r.arguments + offsetof(GemmArguments, factor)]);
  for (int row = 0; row < tile.rows(); ++row)
    for (int v = 0; v < tile.vectors(); ++v) a.vmulps(tile.sum(row, v), tile.sum(row, v), factor);
}

}  // namespace

// residual = output + (residual base - output base): both have the same stride.
void find_residual(const GemmContext& c, const Xbyak::Reg64& to) {
  c.a.mov(to, c.argument(offsetof(GemmArguments, residual)));
  c.a.sub(to, c.argument(offsetof(GemmArguments, output)));
  c.a.add(to, c.r.output);
}

void emit_epilogue(const GemmContext& context, const TileRegisters& tile, int pass) {
  const jit::RoleScope scope(context.a);
  if (context.spec.bias) add_bias(context, tile, pass);
  if (context.spec.scaled) scale_sums(context, tile);
  Epilogue(context, tile, pass).emit();
}

}  // namespace burin::kernels
