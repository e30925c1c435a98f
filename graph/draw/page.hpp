// Plans as pictures.
#pragma once

#include <string>

#include "graph/machine_limits.hpp"
#include "graph/plan.hpp"

namespace burin::graph::draw {

// One HTML page that needs no network and no script: layers as boxes and streams, the arena over time, the threads'
// parts, every step with its time, and why each fusion did or did not happen.
std::string html_page(const Plan& plan, const MachineLimits& limits);

// Decode as a Graphviz graph: steps, the contents of buffers between them, a cluster per layer.
std::string graphviz(const Plan& plan, const MachineLimits& limits);

}  // namespace burin::graph::draw
