#include "graph/passes/passes.hpp"

#include <algorithm>

namespace burin::graph {

std::ptrdiff_t index_of_producer(const Graph& graph, ValueId value) {
  const auto at = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                               [&](const Node& node) { return node.output == value; });
  return at == graph.nodes.end() ? -1 : at - graph.nodes.begin();
}

bool is_plain_linear(const Graph& graph, std::ptrdiff_t index) {
  if (index < 0) return false;
  const Node& node = graph.nodes[static_cast<std::size_t>(index)];
  return node.op == Op::linear && node.linear.parts.size() == 1 &&
         node.linear.epilogue == LinearEpilogue::none && !node.linear.normed && node.linear.factor == 1 &&
         node.linear.heads == 0 && node.linear.inputs == 0;
}

void remove_nodes(Graph& graph, std::vector<std::size_t> indices) {
  if (indices.empty()) return;
  std::sort(indices.begin(), indices.end());
  // What stays moves up once: nodes are large.
  std::size_t kept = indices.front();
  for (std::size_t i = kept; i < graph.nodes.size(); ++i)
    if (!std::binary_search(indices.begin(), indices.end(), i))
      graph.nodes[kept++] = std::move(graph.nodes[i]);
  graph.nodes.resize(kept);
}

Trace run_passes(Graph& graph) {
  Trace trace;
  share_norms(graph, trace);
  fold_scale(graph, trace);
  fuse_gate_product(graph, trace);
  fuse_qkv_rope(graph, trace);
  fuse_latent(graph, trace);
  split_experts(graph, trace);
  fuse_norm(graph, trace);
  fuse_activation(graph, trace);
  fuse_residual(graph, trace);
  validate(graph);
  return trace;
}

}  // namespace burin::graph
