// Programs for few rows: guessed tokens, several texts at once, the end of a prompt.
#pragma once

#include "graph/plan.hpp"

namespace burin::graph {

// With ComputeType::int8_bf16 few rows are, as single ones, bound by memory: Plan::few is Plan::prefill with the products and
// the attention of single rows, and Plan::head_many has their products too. Otherwise does nothing. Programs must be
// complete.
void plan_few_rows(Plan& plan);

}  // namespace burin::graph
