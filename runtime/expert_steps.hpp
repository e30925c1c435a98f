// Steps of a mixture of experts: calls of a kernel that multiplies with one expert's matrix.
#pragma once

#include "runtime/binding.hpp"
#include "runtime/expert_rows.hpp"

namespace burin::runtime {

// One thread's part of such a step. `arguments` is for expert 0, row or place 0, and its first block.
struct ExpertCall {
  const BoundStep& step;
  kernels::GemmArguments arguments;
  int thread = 0;
  int threads = 1;
};

// One row: column blocks of all chosen experts shared out, results side by side; then, each thread its blocks of
// all of them, weighted sums added to the output.
void expert_gates_of_row(const ExpertCall& call, const Routes& routes);
void expert_sums_of_row(const ExpertCall& call, const Routes& routes);

// Many rows, prepared in the order of places; results by place; then added to the rows they are of.
void expert_gates_of_rows(const ExpertCall& call, const ExpertRows& rows);
void expert_sums_of_rows(const ExpertCall& call, const ExpertRows& rows);

}  // namespace burin::runtime
