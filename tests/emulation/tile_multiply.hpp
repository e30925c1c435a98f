// Products of AMX tiles, run by themselves.
#pragma once

#include <cstdint>
#include <vector>

#include "jit/target.hpp"
#include "tests/emulation/instruction_run.hpp"
#include "tests/emulation/tile_config.hpp"

namespace burin::emulation {

using Dwords = std::vector<std::uint32_t>;

struct TileMultiply {
  const char* name;
  void (*emit)(Xbyak::CodeGenerator&);
  jit::Feature feature;
};
constexpr TileMultiply kSigned{"tdpbssd", [](auto& code) { code.tdpbssd(tmm0, tmm1, tmm2); },
                               jit::Feature::amx_int8};
constexpr TileMultiply kSignedUnsigned{"tdpbsud", [](auto& code) { code.tdpbsud(tmm0, tmm1, tmm2); },
                                       jit::Feature::amx_int8};
constexpr TileMultiply kUnsignedSigned{"tdpbusd", [](auto& code) { code.tdpbusd(tmm0, tmm1, tmm2); },
                                       jit::Feature::amx_int8};
constexpr TileMultiply kUnsigned{"tdpbuud", [](auto& code) { code.tdpbuud(tmm0, tmm1, tmm2); },
                                 jit::Feature::amx_int8};
constexpr TileMultiply kBf16{"tdpbf16ps", [](auto& code) { code.tdpbf16ps(tmm0, tmm1, tmm2); },
                             jit::Feature::amx_bf16};
constexpr TileMultiply kFp16{"tdpfp16ps", [](auto& code) { code.tdpfp16ps(tmm0, tmm1, tmm2); },
                             jit::Feature::amx_fp16};

// C is m x n dwords, A is m x k, B is k x n.
struct Shape {
  int m, k, n;
};

// C + A * B in tiles 0, 1 and 2, all packed in memory without gaps. Emulated on a made-up frame and, unless
// the CPU has tiles but not this product, run on it: tiles must agree, and no other register may change.
Dwords multiply(const TileMultiply& product, Shape shape, const Dwords& c, const Dwords& a, const Dwords& b);

Dwords random_dwords(tests::RandomValues& random, int count);

}  // namespace burin::emulation
