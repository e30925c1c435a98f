// What the passes did, with layers where it was the same put together.
#pragma once

#include <string>
#include <vector>

#include "graph/passes/passes.hpp"

namespace burin::graph {

struct TraceGroup {
  std::string pass;
  std::string node;         // without the layer's part: "ffn_norm"
  std::vector<int> layers;  // empty: outside of layers
  bool applied = false;
  std::string reason;  // where not applied; nodes of the same layer likewise
};

// In the order in which the passes came to them.
std::vector<TraceGroup> group_trace(const Trace& trace);

}  // namespace burin::graph
