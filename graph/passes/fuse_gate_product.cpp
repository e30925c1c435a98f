// Gate and up matrices become one linear node whose epilogue multiplies them:
//
//        x                                x
//       / \                               |
//   gate   up                     linear [gate, up]
//     |     |          ==>        silu(gate) * up
//   silu    |                             |
//      \   /
//     multiply
//        |
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

// Why the multiply node at `index` does not fit; empty where it was fused.
std::string try_fuse(Graph& graph, std::size_t index) {
  const Node& multiply = graph.nodes[index];
  for (const int gate_side : {0, 1}) {
    const ValueId active = multiply.inputs[static_cast<std::size_t>(gate_side)];
    const ValueId up_value = multiply.inputs[static_cast<std::size_t>(1 - gate_side)];
    const std::ptrdiff_t activation = index_of_producer(graph, active);
    if (activation < 0 || graph.nodes[static_cast<std::size_t>(activation)].op != Op::activation) continue;
    const Node& activation_node = graph.nodes[static_cast<std::size_t>(activation)];
    const std::ptrdiff_t gate = index_of_producer(graph, activation_node.inputs[0]);
    const std::ptrdiff_t up = index_of_producer(graph, up_value);
    if (!is_plain_linear(graph, gate) || !is_plain_linear(graph, up))
      return "gate or up is no plain linear node";
    const Node& gate_node = graph.nodes[static_cast<std::size_t>(gate)];
    const Node& up_node = graph.nodes[static_cast<std::size_t>(up)];
    if (gate_node.inputs != up_node.inputs) return "gate and up have different inputs";
    if (gate_node.linear.parts[0].order != up_node.linear.parts[0].order)
      return "gate and up take their inputs in different orders";
    if (graph.uses(gate_node.output) != 1 || graph.uses(up_node.output) != 1 || graph.uses(active) != 1)
      return "gate, up or activation is used elsewhere";

    Node fused;
    fused.op = Op::linear;
    fused.name = multiply.name;
    fused.inputs = gate_node.inputs;
    fused.output = multiply.output;
    fused.linear.parts = {gate_node.linear.parts[0], up_node.linear.parts[0]};
    fused.linear.epilogue = LinearEpilogue::gate;
    fused.linear.activation = activation_node.activation;
    graph.nodes[index] = std::move(fused);
    remove_nodes(graph, {static_cast<std::size_t>(gate), static_cast<std::size_t>(up),
                         static_cast<std::size_t>(activation)});
    return "";
  }
  return "no factor is an activation";
}

}  // namespace

void fuse_gate_product(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::multiply) continue;
    const std::string name = graph.nodes[i].name;
    const std::string reason = try_fuse(graph, i);
    trace.push_back({"gate_product", name, reason.empty(), reason});
    if (reason.empty()) i -= 3;  // three nodes before it are gone
  }
}

}  // namespace burin::graph
