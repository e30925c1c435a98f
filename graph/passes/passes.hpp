// Rewrites of the decoder graph that fuse operations into the kernels that exist. One pass per file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/ir.hpp"

namespace burin::graph {

// What a pass did, or why it could not, per place it looked at.
struct TraceLine {
  std::string pass;
  std::string node;
  bool applied = false;
  std::string reason;  // where not applied
};
using Trace = std::vector<TraceLine>;

// Each pass leaves the graph valid and its results unchanged but for rounding.
void share_norms(Graph& graph, Trace& trace);
void fold_scale(Graph& graph, Trace& trace);
void fuse_gate_product(Graph& graph, Trace& trace);
void fuse_qkv_rope(Graph& graph, Trace& trace);
void fuse_latent(Graph& graph, Trace& trace);
void split_experts(Graph& graph, Trace& trace);
void fuse_norm(Graph& graph, Trace& trace);
void fuse_residual(Graph& graph, Trace& trace);
void fuse_activation(Graph& graph, Trace& trace);

// For KV caches that are stored by whole heads; behind all others.
void separate_heads(Graph& graph, Trace& trace);

// All passes in the order in which they must run.
Trace run_passes(Graph& graph);

// Index into graph.nodes of the node that makes `value`, or -1.
std::ptrdiff_t index_of_producer(const Graph& graph, ValueId value);
// Whether there is a linear node at `index` with one matrix and nothing fused into it.
bool is_plain_linear(const Graph& graph, std::ptrdiff_t index);
// Removes nodes by index.
void remove_nodes(Graph& graph, std::vector<std::size_t> indices);

}  // namespace burin::graph
