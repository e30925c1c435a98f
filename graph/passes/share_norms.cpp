// Norms that make the same values of the same input become one:
//
//     +-- x --+                x
//     |       |                |
//    norm    norm    ==>      norm
//     |       |             +--+--+
//     a       b             a     b
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

void replace_uses(Graph& graph, ValueId value, ValueId by) {
  for (Node& node : graph.nodes)
    for (ValueId& input : node.inputs)
      if (input == value) input = by;
  if (graph.logits == value) graph.logits = by;
}

const Node* equal_norm_before(const Graph& graph, std::size_t index) {
  const Node& norm = graph.nodes[index];
  for (std::size_t i = 0; i < index; ++i) {
    const Node& other = graph.nodes[i];
    if (other.op == Op::norm && other.inputs == norm.inputs && other.norm == norm.norm) return &other;
  }
  return nullptr;
}

}  // namespace

void share_norms(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::norm) continue;
    const Node* other = equal_norm_before(graph, i);
    if (other == nullptr) continue;
    trace.push_back({"share_norms", graph.nodes[i].name, true, ""});
    replace_uses(graph, graph.nodes[i].output, other->output);
    remove_nodes(graph, {i});
    --i;
  }
}

}  // namespace burin::graph
