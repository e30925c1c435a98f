// What of a plan a change should show in review: steps, buffers, barriers, shares and fusions, without estimates.
#pragma once

#include <string>

#include "graph/plan.hpp"

namespace burin::graph {

// Layers that are alike are there once.
std::string outline(const Plan& plan);

}  // namespace burin::graph
