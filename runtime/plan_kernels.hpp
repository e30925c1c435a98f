// The kernels that a plan needs.
#pragma once

#include <vector>

#include "graph/plan.hpp"
#include "jit/kernel_store.hpp"

namespace burin::runtime {

// One step for each distinct kernel of all programs, in the order of first use.
std::vector<const graph::Step*> kernel_steps(const graph::Plan& plan);

// The step's kernel, from the store or emitted.
jit::KernelEntry resolve_kernel(const graph::Plan& plan, const graph::Step& step, jit::KernelStore& store);

// All of them. Where the store must not emit and kernels are missing, throws burin::Error naming them all, and
// what the bundles were made for instead.
void resolve_kernels(const graph::Plan& plan, jit::KernelStore& store,
                     const std::vector<jit::Bundle>& bundles = {});

}  // namespace burin::runtime
