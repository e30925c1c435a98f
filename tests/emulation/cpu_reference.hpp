// FP16 results from the CPU's own single-precision instructions, to compare the emulated ones with.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <vector>

#include "tests/emulation/flushed_float.hpp"
#include "tests/emulation/half.hpp"
#include "tests/support/random_values.hpp"

namespace burin::emulation {

constexpr Rounding kRoundings[] = {Rounding::nearest_even, Rounding::down, Rounding::up,
                                   Rounding::toward_zero};

// While one lives, the CPU rounds like that.
class CpuRounding {
 public:
  explicit CpuRounding(Rounding rounding) : control_(_mm_getcsr()) {
    _mm_setcsr(0x1f80u | static_cast<unsigned>(rounding) << 13);
  }
  ~CpuRounding() { _mm_setcsr(control_); }
  CpuRounding(const CpuRounding&) = delete;
  CpuRounding& operator=(const CpuRounding&) = delete;

 private:
  unsigned control_;
};

inline float cpu_add(float a, float b) {
  __asm__ volatile("vaddss %1, %0, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float cpu_subtract(float a, float b) {
  __asm__ volatile("vsubss %1, %0, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float cpu_multiply(float a, float b) {
  __asm__ volatile("vmulss %1, %0, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float cpu_divide(float a, float b) {
  __asm__ volatile("vdivss %1, %0, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float cpu_square_root(float a) {
  __asm__ volatile("vsqrtss %0, %0, %0" : "+x"(a));
  return a;
}
inline float cpu_max(float a, float b) {
  __asm__ volatile("vmaxss %1, %0, %0" : "+x"(a) : "x"(b));
  return a;
}
inline float cpu_min(float a, float b) {
  __asm__ volatile("vminss %1, %0, %0" : "+x"(a) : "x"(b));
  return a;
}
// x * y + z.
inline float cpu_fused(float x, float y, float z, FusedSigns signs) {
  if (signs.negate_product && signs.negate_addend)
    __asm__ volatile("vfnmsub132ss %1, %2, %0" : "+x"(x) : "x"(y), "x"(z));
  else if (signs.negate_product)
    __asm__ volatile("vfnmadd132ss %1, %2, %0" : "+x"(x) : "x"(y), "x"(z));
  else if (signs.negate_addend)
    __asm__ volatile("vfmsub132ss %1, %2, %0" : "+x"(x) : "x"(y), "x"(z));
  else
    __asm__ volatile("vfmadd132ss %1, %2, %0" : "+x"(x) : "x"(y), "x"(z));
  return x;
}

inline float cpu_widen(Half half) {
  float single;
  __asm__ volatile("vmovd %1, %0\n vcvtph2ps %0, %0" : "=x"(single) : "r"(std::uint32_t{half}));
  return single;
}
// Rounded as MXCSR says.
inline Half cpu_narrow(float single) {
  std::uint32_t half;
  __asm__ volatile("vcvtps2ph $4, %1, %1\n vmovd %1, %0" : "=r"(half), "+x"(single));
  return static_cast<Half>(half);
}

// The FP16 nearest to the exact result of `operation`, in the direction of `rounding`. Two roundings
// downward, upward or toward zero are as good as one. To nearest even they are not: there the
// single-precision result is the neighbour of the exact one whose last bit is 1, which stands for "not
// exactly here" in the second rounding.
template <typename Operation>
Half on_cpu(Rounding rounding, Operation operation) {
  const auto single_rounded = [&](Rounding to) {
    const CpuRounding as_told(to);
    return operation();
  };
  float single = single_rounded(rounding);
  if (rounding == Rounding::nearest_even) {
    const float down = single_rounded(Rounding::down);
    const float up = single_rounded(Rounding::up);
    if (down < up) single = (as_bits(down) & 1) != 0 ? down : up;
  }
  const CpuRounding as_told(rounding);
  return cpu_narrow(single);
}

// Zeros, denormals, powers of two, the largest numbers, infinities, NaNs, and neighbours of all these; both
// signs.
inline std::vector<Half> special_halves() {
  std::vector<Half> all;
  for (const int magnitude : {0x0000, 0x0001, 0x0002, 0x01ff, 0x0200, 0x03ff, 0x0400, 0x0401, 0x13ff, 0x1400,
                              0x37ff, 0x3800, 0x3bff, 0x3c00, 0x3c01, 0x3e00, 0x4000, 0x4200, 0x4401, 0x63ff,
                              0x6400, 0x6401, 0x7bff, 0x7bfe, 0x7c00, 0x7c01, 0x7dff, 0x7e00, 0x7e01, 0x7fff})
    for (const int sign : {0, 0x8000}) all.push_back(static_cast<Half>(magnitude | sign));
  return all;
}

// Any bits, and every fourth from the special ones.
inline Half random_half(tests::RandomValues& random) {
  static const std::vector<Half> special = special_halves();
  const std::uint64_t bits = random.bits();
  return (bits & 3) == 0 ? special[(bits >> 16) % special.size()] : static_cast<Half>(bits >> 16);
}

}  // namespace burin::emulation
