// A GEMM's epilogue never sees a whole head, whose largest element an int8 cache needs:
//
//     linear [q, k, v]                            linear [q, k, v]
//     rotate q; k, v to cache        ==>                 |
//            |                             heads (rotate q; k, v to cache)
//     attention (cache)                                  |
//                                                 attention (cache)
#include <utility>

#include "graph/passes/passes.hpp"

namespace burin::graph {
namespace {

Node separate(Graph& graph, Node& projections) {
  Node heads;
  heads.op = Op::heads;
  heads.name =
      projections.name.substr(0, projections.name.size() - std::string_view("_qkv").size()) + "_heads";
  heads.output = projections.output;
  heads.heads.attention = projections.linear.attention;
  std::int64_t width = 0;
  for (const LinearPart& part : projections.linear.parts) width += part.outputs;
  projections.linear.epilogue = LinearEpilogue::qkv;
  projections.output = graph.add_value(projections.name, width);
  heads.inputs = {projections.output};
  return heads;
}

}  // namespace

void separate_heads(Graph& graph, Trace& trace) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    if (node.op != Op::linear || node.linear.epilogue != LinearEpilogue::rope_kv) continue;
    Node heads = separate(graph, node);
    trace.push_back({"separate_heads", node.name, true, ""});
    graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(heads));
  }
  validate(graph);
}

}  // namespace burin::graph
