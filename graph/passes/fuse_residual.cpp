// An addition to the result of a linear node becomes its epilogue:
//
//     x   y                 x   y
//     |   |                  \ /
//     | linear     ==>     linear (+ x)
//      \ /                    |
//      add
//       |
//
// Where y is made after the linear node, that one moves behind it. Likewise to the weighted sum of experts, which adds to the other summand in its place: nothing may use that
// one later.
#include <algorithm>

#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

bool takes_summand(const Node& node) {
  if (node.op == Op::expert_sums) return node.inputs.size() == 2;
  return node.op == Op::linear && node.linear.epilogue == LinearEpilogue::none;
}

bool is_used_after(const Graph& graph, ValueId value, std::size_t index) {
  return std::any_of(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index) + 1, graph.nodes.end(),
                     [&](const Node& node) {
                       return std::find(node.inputs.begin(), node.inputs.end(), value) != node.inputs.end();
                     });
}

std::string try_fuse(Graph& graph, std::size_t index) {
  const Node& add = graph.nodes[index];
  for (const std::size_t side : {std::size_t{1}, std::size_t{0}}) {
    const std::ptrdiff_t at = index_of_producer(graph, add.inputs[side]);
    if (at < 0) continue;
    const Node& summand = graph.nodes[static_cast<std::size_t>(at)];
    if (!takes_summand(summand)) continue;
    if (graph.uses(summand.output) != 1) return summand.name + " is used elsewhere";
    const ValueId residual = add.inputs[1 - side];
    if (summand.op == Op::expert_sums && is_used_after(graph, residual, index))
      return "the other summand is used later";
    const bool too_early = index_of_producer(graph, residual) > at;
    Node& maker = graph.nodes[too_early ? index - 1 : static_cast<std::size_t>(at)];
    if (too_early)
      std::rotate(graph.nodes.begin() + at, graph.nodes.begin() + at + 1,
                  graph.nodes.begin() + static_cast<std::ptrdiff_t>(index));
    if (maker.op == Op::linear) maker.linear.epilogue = LinearEpilogue::add;
    maker.inputs.push_back(residual);
    maker.output = graph.nodes[index].output;
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
