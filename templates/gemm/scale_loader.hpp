// Loads a weight group's scales or minimums for one column vector, as f32.
#pragma once

#include "templates/gemm/gemm_emitter.hpp"

namespace burin::kernels {

enum class ScaleArray : std::uint8_t { scales = 0, minimums = 1 };

// context.r.scales points to the group's first scale.
inline void load_scales(const GemmContext& context, const TileRegisters& tile, int pass, int vector,
                        ScaleArray array, jit::Vector to) {
  jit::Assembler& a = context.a;
  const ScaleType type = context.spec.weights.scale;
  const int first_column = tile.block_vector(pass, vector) * a.lanes();
  const int element = static_cast<int>(array) * kBlockColumns + first_column;
  const Xbyak::Address from = a.ptr[context.r.scales + jit::offset(element * bytes_of(type))];
  if (type == ScaleType::f16) {
    a.vcvtph2ps(to, from);
  } else if (type == ScaleType::bf16) {
    a.vpmovzxwd(to, from);
    a.vpslld(to, to, 16);
  } else {
    a.vmovups(to, from);
  }
}

}  // namespace burin::kernels
