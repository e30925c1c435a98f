// A kernel's call with made-up operands, to be timed: what `burin kernel NAME --bench` and the benchmarks of the manifest
// run.
//
// Every byte of the operands is the same, one that makes a small normal number of every type (f32 and bf16 0.0115,
// f16 1.06, int8 60): no kernel's time depends on the numbers as long as they are neither denormal nor NaN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "graph/roofline.hpp"
#include "runtime/synthetic/cold_operands.hpp"
#include "templates/kernel_spec.hpp"

namespace burin::runtime {

// What a call has to do at least.
struct KernelWork {
  double bytes = 0;                                           // read and written
  double macs = 0;                                            // multiply-adds
  kernels::Activation multiplied = kernels::Activation::f32;  // what they are of

  // The time that memory and multipliers take for it.
  double memory_seconds(const graph::MachineLimits& limits) const {
    return bytes / limits.read_bytes_per_second;
  }
  double dot_seconds(const graph::MachineLimits& limits) const {
    return macs / graph::peak_of(multiplied, limits);
  }
};

struct KernelCall {
  std::int64_t rows = 0;
  KernelWork work;
  // Of pass number n, valid until the next call: weights and caches are read from memory that other passes
  // have driven out of the caches. Owns the operands, but for those that it shares with other calls. For one thread.
  std::function<const void*(std::size_t pass)> arguments;
};

// All column blocks, experts or heads of one KV head, for `rows` rows; 0: one row where kernels are for decoding, else
// 256. Attention is to 2048 positions. Throws burin::Error where memory is refused, or rows are too many for the kind.
KernelCall make_kernel_call(const kernels::KernelSpec& spec, std::int64_t rows, ColdMemory& memory);

}  // namespace burin::runtime
