// burin kernel NAME --bench: one kernel on one thread, next to this machine's limits.
#pragma once

#include <cstdint>

#include "jit/target.hpp"
#include "templates/kernel_spec.hpp"

namespace burin::tools {

// Times calls with made-up operands of `rows` rows (0: what is usual for the kind), each batch between two probes of the
// limits, and prints medians. Throws burin::Error where this host lacks what the target has.
void bench_kernel(const kernels::KernelSpec& spec, const jit::Target& target, std::int64_t rows, bool json);

}  // namespace burin::tools
