#include "tests/emulation/tile_multiply.hpp"

#include <gtest/gtest.h>

#include "tests/emulation/emulator.hpp"

namespace burin::emulation {

using namespace Xbyak::util;

Dwords multiply(const TileMultiply& product, Shape s, const Dwords& c, const Dwords& a, const Dwords& b) {
  const TileConfig config = TileConfig().tile(0, s.m, 4 * s.n).tile(1, s.m, 4 * s.k).tile(2, s.k, 4 * s.n);
  const auto emit = [&](Xbyak::CodeGenerator& code) {
    code.ldtilecfg(ptr[rax]);
    code.tileloadd(emulation::tmm0, ptr[rcx + r8 * 4]);
    code.tileloadd(emulation::tmm1, ptr[rdx + r9 * 4]);
    code.tileloaddt1(emulation::tmm2, ptr[rbx + r8 * 4]);
    product.emit(code);
    code.tilestored(ptr[rsi + r8 * 4], emulation::tmm0);
    code.tilerelease();
  };
  const auto result_of = [&](Registers (*run_one)(const Emit&, const Registers&)) {
    Dwords result(c.size());
    Registers before;
    before.general[kRax] = reinterpret_cast<std::uint64_t>(&config);
    before.general[kRcx] = reinterpret_cast<std::uint64_t>(c.data());
    before.general[kRdx] = reinterpret_cast<std::uint64_t>(a.data());
    before.general[kRbx] = reinterpret_cast<std::uint64_t>(b.data());
    before.general[kRsi] = reinterpret_cast<std::uint64_t>(result.data());
    before.general[kR8] = static_cast<std::uint64_t>(s.n);
    before.general[kR9] = static_cast<std::uint64_t>(s.k);
    // Rounding up and flushing nothing: AMX must not care.
    before.mxcsr = 0x1f80 | 0x4000;
    EXPECT_EQ(run_one(emit, before), before) << product.name << ": other registers";
    return result;
  };
  const Dwords emulated = result_of(run_emulated);
  const bool mixed = has_native_tiles() && !native_features().has(product.feature);
  if (native_features().has(jit::Feature::avx512) && !mixed) {
    const EmulatedCpu cpu;
    EXPECT_EQ(result_of(run_on_cpu), emulated) << product.name;
  }
  return emulated;
}

Dwords random_dwords(tests::RandomValues& random, int count) {
  Dwords all(static_cast<std::size_t>(count));
  for (std::uint32_t& value : all) value = static_cast<std::uint32_t>(random.bits());
  return all;
}

}  // namespace burin::emulation
