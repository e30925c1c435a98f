// Buffers of a graph's values: how wide their rows must be, and which they share.
#pragma once

#include <map>

#include "graph/planner/matrix_planner.hpp"
#include "graph/planner/plan_draft.hpp"

namespace burin::graph {

// Fills Plan::buffers, arena_bytes, logits and head_rows; returns the buffer of each value.
std::map<ValueId, int> plan_buffers(PlanDraft& draft, const MatrixTable& matrices);

}  // namespace burin::graph
