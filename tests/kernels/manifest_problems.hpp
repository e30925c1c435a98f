// Kernels of any kind at drawn sizes, each against the reference of its kind.
#pragma once

#include "jit/target.hpp"
#include "templates/kernel_spec.hpp"
#include "tests/support/random_values.hpp"

namespace burin::tests {

// The kernel at odd sizes that the target can have. Throws what the emitter says where no size of many is one.
kernels::KernelSpec drawn_shape(const kernels::KernelSpec& spec, RandomValues& random,
                                const jit::Target& target);

// Runs it on made-up operands (number of rows, positions and gaps are drawn) and compares, with guard pages and
// poisoned registers. Failures are GoogleTest's.
void check_kernel(const kernels::KernelSpec& spec, RandomValues& random, const jit::Target& target);

}  // namespace burin::tests
