// The heads of a model's attention and the rotations of its layers.
#pragma once

#include "graph/planner/plan_draft.hpp"

namespace burin::graph {

// Of linear nodes that make Q, K and V; null for other nodes.
inline const AttentionAttributes* projected_heads(const Node& node) {
  const bool projects = node.op == Op::linear && (node.linear.epilogue == LinearEpilogue::rope_kv ||
                                                  node.linear.epilogue == LinearEpilogue::qkv ||
                                                  node.linear.epilogue == LinearEpilogue::latent);
  return projects ? &node.linear.attention : nullptr;
}

// Fills Plan::heads and Plan::ropes. Throws burin::Error where layers differ in their heads.
void plan_heads(PlanDraft& draft);

}  // namespace burin::graph
