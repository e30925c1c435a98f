// This machine's limits for the roofline of a plan, measured in a blink.
#pragma once

#include "graph/machine_limits.hpp"
#include "jit/target.hpp"

namespace burin::runtime {

// With `threads` threads (0: default_thread_count()): memory that caches hardly hold is read, int8 dot products and
// barriers run, a few milliseconds each: below 50 ms where the CPUs are free. bf16 and f32 peaks follow from the int8
// one by the target's instructions (graph::dot_rates). The host must be able to run the target. For comparisons that
// matter, `burin bench` measures longer.
graph::MachineLimits measure_limits(const jit::Target& target, int threads);

}  // namespace burin::runtime
