// A mixture of experts becomes two nodes, so that the rows between them are a value as any other, and what comes
// after can be fused into the second:
//
//      x   weights              x   weights
//       \ /                     \ / |
//     experts          ==>   expert_gates |        gate(x) * up(x) of the chosen experts
//        |                          \    |
//                                expert_sums       weighted sum of down(...)
//                                     |
//
// The second stands where its result is used: what else reads x comes before it.
#include <algorithm>

#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

std::string try_split(Graph& graph, std::size_t index) {
  const Node* route = graph.producer(graph.nodes[index].inputs[1]);
  if (route == nullptr || route->op != Op::route) return "its weights are no router's choice";
  Node sums = std::move(graph.nodes[index]);
  sums.experts.used = route->route.used;
  Node gates = sums;
  sums.op = Op::expert_sums;
  sums.name += "_down";
  gates.op = Op::expert_gates;
  gates.name += "_gate";
  gates.output = graph.add_value(gates.name, sums.experts.experts.front().gate.outputs * sums.experts.used);
  sums.inputs[0] = gates.output;
  graph.nodes[index] = std::move(gates);
  const auto user = std::find_if(
      graph.nodes.begin() + static_cast<std::ptrdiff_t>(index), graph.nodes.end(), [&](const Node& node) {
        return std::find(node.inputs.begin(), node.inputs.end(), sums.output) != node.inputs.end();
      });
  graph.nodes.insert(user, std::move(sums));
  return "";
}

}  // namespace

void split_experts(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::experts) continue;
    const std::string name = graph.nodes[i].name;
    const std::string reason = try_split(graph, i);
    trace.push_back({"experts", name, reason.empty(), reason});
  }
}

}  // namespace burin::graph
