#include "tests/emulation/host.hpp"

#include <cpuid.h>

#include <cstdint>

namespace burin::emulation {
namespace {

// One of the 32 bits of a register of CPUID, false where the leaf is not there.
struct CpuidLeaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  CpuidLeaf(unsigned leaf, unsigned subleaf) { __get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx); }
};
bool bit(unsigned value, int index) { return (value >> index & 1) != 0; }

// XCR0 says which registers the system saves: 17 and 18 are the configuration and the data of tiles.
bool system_saves_tiles() {
  if (!bit(CpuidLeaf(1, 0).ecx, 27)) return false;  // OSXSAVE: xgetbv is there
  std::uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return bit(low, 17) && bit(low, 18);
}

// Read before main: CPUID may trap to a hypervisor, which is slow in a signal handler.
const bool native_tiles = bit(CpuidLeaf(7, 0).edx, 24) && system_saves_tiles();

}  // namespace

bool has_native_tiles() { return native_tiles; }

jit::FeatureSet native_features() {
  static const jit::FeatureSet features = jit::host_target().features;  // asks Linux for tiles
  return features;
}

jit::FeatureSet emulated_features(Emulate emulate) {
  using enum jit::Feature;
  jit::FeatureSet features;
  for (const jit::Feature feature : {avxvnni, avx512vnni, avx512bf16, avx512fp16, avx512vbmi, gfni})
    features.add(feature);
  if (native_tiles && emulate == Emulate::what_is_missing) return features;
  for (const jit::Feature feature : {amx_int8, amx_bf16, amx_fp16}) features.add(feature);
  return features;
}

bool can_run(const jit::Target& target, Emulate emulate) {
  return target.features.without(native_features()).without(emulated_features(emulate)).empty();
}

}  // namespace burin::emulation
