// What this CPU and its operating system can run, by CPUID and XGETBV (Intel SDM, volume 2, CPUID; volume 1, 13.3).
#include "jit/host_features.hpp"

#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace burin::jit {
namespace {

using enum Feature;

struct Leaf {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
};

// All zero where the CPU has no such leaf.
Leaf cpuid_leaf(unsigned number, unsigned part) {
  Leaf leaf;
  if (__get_cpuid_count(number, part, &leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx) == 0) return {};
  return leaf;
}

constexpr bool has_bit(unsigned bits, int bit) { return (bits >> bit & 1u) != 0; }
constexpr bool has_all(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

// The registers that the operating system saves when threads are switched (XCR0).
unsigned saved_registers(const Leaf& basic) {
  constexpr int kOsXsave = 27;
  if (!has_bit(basic.ecx, kOsXsave)) return 0;
  unsigned low = 0;
  unsigned high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

constexpr unsigned kYmm = 0x06;  // XMM and the upper halves of YMM
constexpr unsigned kZmm = 0xe6;  // with masks, upper halves of ZMM0-15, and ZMM16-31
constexpr unsigned kTiles = 0x60000;

// Whether Linux lets this process use AMX tiles, which it must be asked for once (Documentation/arch/x86/xstate.rst).
// The process keeps the right, and so do its threads, from then on.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023;
  constexpr int kTileData = 18;
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}

}  // namespace

FeatureSet host_features() {
  const Leaf basic = cpuid_leaf(1, 0);
  const Leaf extended = cpuid_leaf(7, 0);
  const Leaf further = extended.eax >= 1 ? cpuid_leaf(7, 1) : Leaf();
  const unsigned saved = saved_registers(basic);
  FeatureSet set;
  const auto add = [&](Feature feature, bool present) {
    if (present) set.add(feature);
  };
  constexpr unsigned kFmaAvxF16c = 1u << 12 | 1u << 28 | 1u << 29;
  add(avx2, has_all(saved, kYmm) && has_all(basic.ecx, kFmaAvxF16c) && has_bit(extended.ebx, 5));
  if (!set.has(avx2)) return set;
  add(avxvnni, has_bit(further.eax, 4));
  add(gfni, has_bit(extended.ecx, 8));
  constexpr unsigned kFDqBwVl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  add(avx512, has_all(saved, kZmm) && has_all(extended.ebx, kFDqBwVl));
  if (!set.has(avx512)) return set;
  add(avx512vnni, has_bit(extended.ecx, 11));
  add(avx512bf16, has_bit(further.eax, 5));
  add(avx512fp16, has_bit(extended.edx, 23));
  add(avx512vbmi, has_bit(extended.ecx, 1));
  constexpr int kAmxTile = 24;
  if (!has_all(saved, kTiles) || !has_bit(extended.edx, kAmxTile) || !may_use_tiles()) return set;
  add(amx_int8, set.has(avx512vnni) && has_bit(extended.edx, 25));
  add(amx_bf16, set.has(avx512bf16) && has_bit(extended.edx, 22));
  add(amx_fp16, set.has(avx512fp16) && has_bit(further.eax, 21));
  return set;
}

}  // namespace burin::jit
