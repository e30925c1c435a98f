// Walks the steps of a plan with kernels, weights and buffers bound once.
#pragma once

#include <vector>

#include "graph/plan.hpp"
#include "runtime/binding.hpp"
#include "runtime/thread_pool.hpp"
#include "runtime/thread_view.hpp"
#include "runtime/workspace.hpp"

namespace burin::runtime {

// Runs one program on all threads of the pool.
void run_program(const graph::Plan& plan, const std::vector<BoundStep>& program, Workspace& workspace,
                 ThreadPool& pool, const Rows& rows);

}  // namespace burin::runtime
