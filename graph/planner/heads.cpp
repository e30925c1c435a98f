#include "graph/planner/heads.hpp"

#include <algorithm>

#include "jit/error.hpp"

namespace burin::graph {

void plan_heads(PlanDraft& draft) {
  Plan& plan = draft.plan;
  bool first = true;
  for (const Node& node : draft.graph.nodes) {
    const AttentionAttributes* attention = projected_heads(node);
    if (attention == nullptr) continue;
    const kernels::HeadLayout heads = {
        attention->query_heads, attention->kv_heads, attention->head_size,
        plan.options.kv == KvType::bf16 ? kernels::KvStorage::bf16 : kernels::KvStorage::f32};
    if (!first && heads != plan.heads)
      fail("{}: {}: layers with different heads are not supported yet", draft.model.path, node.name);
    plan.heads = heads;
    first = false;
    if (std::find(plan.ropes.begin(), plan.ropes.end(), attention->rope) == plan.ropes.end())
      plan.ropes.push_back(attention->rope);
  }
}

}  // namespace burin::graph
