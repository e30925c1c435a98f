// A norm whose only users are linear nodes and gates of experts becomes their prologue:
//
//      x                    x
//      |                    |
//     norm        ==>   linear (norm first)
//      |                    |
//    linear
//      |
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

bool takes_norm(const Node& user) {
  return (user.op == Op::linear && !user.linear.normed) ||
         (user.op == Op::expert_gates && !user.experts.normed);
}

std::string try_fuse(Graph& graph, std::size_t index) {
  const Node& norm = graph.nodes[index];
  for (const Node& user : graph.nodes)
    // Input 1 of a linear node is a summand, not multiplied.
    for (std::size_t i = 0; i < user.inputs.size(); ++i)
      if (user.inputs[i] == norm.output && (!takes_norm(user) || i > 0))
        return "used by " + user.name + ", which is no plain linear node";
  if (norm.norm.group != 0) return "it normalises parts of the row";
  if (norm.output == graph.logits) return "it is the result";
  for (Node& user : graph.nodes) {
    if (!takes_norm(user) || user.inputs[0] != norm.output) continue;
    user.inputs[0] = norm.inputs[0];
    (user.op == Op::linear ? user.linear.normed : user.experts.normed) = true;
    (user.op == Op::linear ? user.linear.norm : user.experts.norm) = norm.norm;
  }
  remove_nodes(graph, {index});
  return "";
}

}  // namespace

void fuse_norm(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::norm) continue;
    const std::string name = graph.nodes[i].name;
    const std::string reason = try_fuse(graph, i);
    trace.push_back({"norm", name, reason.empty(), reason});
    if (reason.empty()) --i;
  }
}

}  // namespace burin::graph
