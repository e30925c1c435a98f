// An activation of the result of a linear node becomes its epilogue:
//
//      x                     x
//      |                     |
//    linear       ==>     linear
//      |                activation(sums)
//  activation                |
//      |
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

std::string try_fuse(Graph& graph, std::size_t index) {
  const Node& activation = graph.nodes[index];
  const std::ptrdiff_t at = index_of_producer(graph, activation.inputs[0]);
  if (at < 0) return "its input is no linear node";
  Node& linear = graph.nodes[static_cast<std::size_t>(at)];
  if (linear.op != Op::linear || linear.linear.epilogue != LinearEpilogue::none)
    return linear.name + " is no plain linear node";
  if (graph.uses(linear.output) != 1) return linear.name + " is used elsewhere";
  linear.linear.epilogue = LinearEpilogue::activate;
  linear.linear.activation = activation.activation;
  linear.output = activation.output;
  remove_nodes(graph, {index});
  return "";
}

}  // namespace

void fuse_activation(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::activation) continue;
    const std::string name = graph.nodes[i].name;
    const std::string reason = try_fuse(graph, i);
    trace.push_back({"activation", name, reason.empty(), reason});
    if (reason.empty()) --i;
  }
}

}  // namespace burin::graph
