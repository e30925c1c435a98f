// The three projections of an attention become one linear node that rotates and fills the KV cache:
//
//          x                                   x
//       /  |  \                                |
//      q   k   v                      linear [q, k, v]
//      |   |   |                   rotate q; k, v to cache
//    rope rope |          ==>                  |
//       \  |  /                          attention (cache)
//      attention                               |
//          |
#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

struct Projection {
  std::ptrdiff_t linear = -1;
  std::ptrdiff_t rope = -1;
};

// The linear node behind an attention input, through a rope node if there is one.
Projection find_projection(const Graph& graph, ValueId value) {
  Projection found;
  std::ptrdiff_t at = index_of_producer(graph, value);
  if (at >= 0 && graph.nodes[static_cast<std::size_t>(at)].op == Op::rope) {
    found.rope = at;
    at = index_of_producer(graph, graph.nodes[static_cast<std::size_t>(at)].inputs[0]);
  }
  if (at >= 0 && graph.nodes[static_cast<std::size_t>(at)].op == Op::linear) found.linear = at;
  return found;
}

std::string try_fuse(Graph& graph, std::size_t index) {
  const Node& attention = graph.nodes[index];
  Projection projections[3];
  for (std::size_t i = 0; i < 3; ++i) projections[i] = find_projection(graph, attention.inputs[i]);
  const auto node = [&](std::ptrdiff_t at) -> const Node& {
    return graph.nodes[static_cast<std::size_t>(at)];
  };
  for (const Projection& p : projections) {
    if (!is_plain_linear(graph, p.linear)) return "an input is no plain projection";
    if (graph.uses(node(p.linear).output) != 1) return "a projection is used elsewhere";
    if (p.rope >= 0 && graph.uses(node(p.rope).output) != 1) return "a rotation is used elsewhere";
    if (node(p.linear).inputs != node(projections[0].linear).inputs)
      return "projections have different inputs";
  }
  if (projections[0].rope < 0 || projections[1].rope < 0 || projections[2].rope >= 0)
    return "not exactly Q and K are rotated";
  if (node(projections[0].rope).rope != node(projections[1].rope).rope) return "Q and K rotate differently";

  Node fused;
  fused.op = Op::linear;
  fused.name = attention.name + "_qkv";
  fused.inputs = node(projections[0].linear).inputs;
  for (const Projection& p : projections) fused.linear.parts.push_back(node(p.linear).linear.parts[0]);
  fused.linear.epilogue = LinearEpilogue::rope_kv;
  fused.linear.attention = attention.attention;
  fused.linear.attention.rope = node(projections[0].rope).rope;
  fused.output = attention.inputs[0];

  std::vector<std::size_t> gone;
  for (const Projection& p : projections) {
    gone.push_back(static_cast<std::size_t>(p.linear));
    if (p.rope >= 0) gone.push_back(static_cast<std::size_t>(p.rope));
  }
  graph.nodes[index].inputs = {fused.output};
  graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index), std::move(fused));
  remove_nodes(graph, gone);
  return "";
}

}  // namespace

void fuse_qkv_rope(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::attention || graph.nodes[i].inputs.size() != 3) continue;
    const std::string name = graph.nodes[i].name;
    const std::string reason = try_fuse(graph, i);
    trace.push_back({"qkv_rope", name, reason.empty(), reason});
    if (reason.empty()) i -= 4;  // five nodes before it are gone, one is new
  }
}

}  // namespace burin::graph
