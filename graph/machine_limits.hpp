// What a machine can do at most, as far as the roofline of a plan needs it.
#pragma once

#include <string>

#include "jit/target.hpp"

namespace burin::graph {

// Of all threads together.
struct MachineLimits {
  std::string source;  // "measured on this machine in 41 ms", or whose nominal figures they are
  bool measured = false;
  int threads = 1;
  double read_bytes_per_second = 0;  // memory, not caches
  double int8_macs_per_second = 0;   // multiply-adds
  double bf16_macs_per_second = 0;
  double f16_macs_per_second = 0;
  double f32_macs_per_second = 0;
  double barrier_seconds = 0;  // all threads meet
};

// Multiply-adds per core and cycle, by the instructions kernels use, as vendors' optimisation manuals have them.
struct DotRates {
  double int8 = 0;
  double bf16 = 0;
  double f16 = 0;
  double f32 = 0;
};
DotRates dot_rates(const jit::Target& target);

// Of a machine whose memory and int8 products were measured; floats have the rates of the kernels' instructions.
MachineLimits measured_limits(const jit::Target& target, double read_bytes_per_second,
                              double int8_macs_per_second);

inline constexpr int kNominalThreads = 8;

// From published figures: memory channels of one socket, what one core of it can read, and its clock under vector
// load. Targets that are feature lists get those of the newest CPU that has no more features. `threads` 0:
// kNominalThreads.
MachineLimits nominal_limits(const jit::Target& target, int threads = 0);

// "120.0 GB/s read, 6144 int8 / 1536 f32 GMAC/s, barrier 0.9 us, 8 threads: nominal figures of icelake-server".
std::string to_text(const MachineLimits& limits);

}  // namespace burin::graph
