// What of the IR there are kernels for.
#pragma once

#include <cstdint>

#include "graph/ir.hpp"
#include "graph/model_description.hpp"

namespace burin::graph {

// Throws burin::Error for the first node of a graph after its passes that no kernel computes, naming model,
// architecture and what is missing. `context` positions are to be evaluated: some models need more than
// there are kernels for only beyond a length.
void require_kernels(const Graph& graph, const ModelDescription& model, std::int64_t context);

}  // namespace burin::graph
