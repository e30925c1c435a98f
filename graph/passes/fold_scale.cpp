// A constant factor becomes one of the node that makes its input (Gemma's and Granite's embedding, Granite's
// residual branches, Cohere's logits):
//
//      x                    x
//      |                    |
//   linear or embed  ==>  linear or embed (times c)
//      |                    |
//    scale by c
//      |
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

// Where the node's factor is; null where it can have none.
float* factor_of(Node& node) {
  if (node.op == Op::embed) return &node.embed.factor;
  if (node.op == Op::linear && node.linear.epilogue == LinearEpilogue::none) return &node.linear.factor;
  return nullptr;
}

std::string try_fold(Graph& graph, std::size_t index) {
  const Node& scale = graph.nodes[index];
  const std::ptrdiff_t at = index_of_producer(graph, scale.inputs[0]);
  if (at < 0) return "its input is made by no node";
  Node& maker = graph.nodes[static_cast<std::size_t>(at)];
  float* factor = factor_of(maker);
  if (factor == nullptr) return maker.name + " is no plain linear or embed node";
  if (graph.uses(maker.output) != 1) return maker.name + " is used elsewhere";
  *factor *= scale.constant;
  maker.output = scale.output;
  if (graph.logits == scale.inputs[0]) graph.logits = scale.output;
  remove_nodes(graph, {index});
  return "";
}

}  // namespace

void fold_scale(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::scale) continue;
    const std::string name = graph.nodes[i].name;
    const std::string reason = try_fold(graph, i);
    trace.push_back({"scale", name, reason.empty(), reason});
    if (reason.empty()) --i;
  }
}

}  // namespace burin::graph
