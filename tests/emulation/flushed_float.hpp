// Arithmetic in single precision as the BF16 and FP16 dot products do it: round to nearest even, denormals of
// inputs and outputs are zeros, whatever MXCSR says.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace burin::emulation {

// While one lives, the CPU computes like that; MXCSR comes back as it was.
class FlushedFloats {
 public:
  FlushedFloats() : control_(_mm_getcsr()) {
    constexpr unsigned kMasked = 0x1f80, kDenormalsAreZeros = 0x40, kFlushToZero = 0x8000;
    _mm_setcsr(kMasked | kDenormalsAreZeros | kFlushToZero);
  }
  ~FlushedFloats() { _mm_setcsr(control_); }
  FlushedFloats(const FlushedFloats&) = delete;
  FlushedFloats& operator=(const FlushedFloats&) = delete;

 private:
  unsigned control_;
};

inline float as_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline std::uint32_t as_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

}  // namespace burin::emulation
