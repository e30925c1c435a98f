// An addition to the result of a linear node becomes its epilogue:
//
//     x   y                 x   y
//     |   |                  \ /
//     | linear     ==>     linear (+ x)
//      \ /                    |
//      add
//       |
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

std::string try_fuse(Graph& graph, std::size_t index) {
  const Node& add = graph.nodes[index];
  for (const std::size_t side : {std::size_t{1}, std::size_t{0}}) {
    const std::ptrdiff_t at = index_of_producer(graph, add.inputs[side]);
    if (at < 0) continue;
    Node& linear = graph.nodes[static_cast<std::size_t>(at)];
    if (linear.op != Op::linear || linear.linear.epilogue != LinearEpilogue::none) continue;
    if (graph.uses(linear.output) != 1) return linear.name + " is used elsewhere";
    const ValueId residual = add.inputs[1 - side];
    if (index_of_producer(graph, residual) > at) return "the other summand is made later";
    linear.linear.epilogue = LinearEpilogue::add;
    linear.inputs.push_back(residual);
    linear.output = add.output;
    remove_nodes(graph, {index});
    return "";
  }
  return "no summand is a plain linear node";
}

}  // namespace

void fuse_residual(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::add) continue;
    const std::string name = graph.nodes[i].name;
    const std::string reason = try_fuse(graph, i);
    trace.push_back({"residual", name, reason.empty(), reason});
    if (reason.empty()) --i;
  }
}

}  // namespace burin::graph
