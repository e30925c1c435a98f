// The part of burin bench that measures the start.
#pragma once

#include "graph/plan.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {

// Prints what emitting the plan's kernels takes, and loading them from a cache folder; medians of `repeats`.
void bench_startup(const CommonOptions& options, const graph::Plan& plan, int repeats);

}  // namespace burin::tools
