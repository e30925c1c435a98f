// Which stored types take more memory in their packed format than in the file, for the plan's remarks.
#pragma once

#include <string>
#include <vector>

#include "graph/model_description.hpp"
#include "graph/plan.hpp"

namespace burin::graph {

// One sentence for each stored type whose natural format, in which some of the matrices are, is larger by
// more than a twentieth: GGUF's IQ types, whose grids become codes of 3 or 4 bits, Q2_K ...
std::vector<std::string> widened_types(const ModelDescription& model,
                                       const std::vector<PackedMatrix>& matrices);

}  // namespace burin::graph
