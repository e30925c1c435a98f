// Packed weights that nobody trained.
#pragma once

#include "graph/plan.hpp"
#include "runtime/thread_pool.hpp"
#include "runtime/weights.hpp"

namespace burin::runtime {

// Random weights of the plan's shapes, for benchmarks; the same each time.
Weights synthetic_weights(const graph::Plan& plan, ThreadPool& pool);

}  // namespace burin::runtime
