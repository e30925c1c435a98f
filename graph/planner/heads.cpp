#include "graph/planner/heads.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "jit/error.hpp"

namespace burin::graph {
namespace {

kernels::KvStorage storage_of(KvType kv) {
  switch (kv) {
    case KvType::automatic:
    case KvType::f32: return kernels::KvStorage::f32;
    case KvType::f16: return kernels::KvStorage::f16;
    case KvType::bf16: return kernels::KvStorage::bf16;
    case KvType::int8: return kernels::KvStorage::int8;
  }
  return kernels::KvStorage::f32;
}

kernels::HeadLayout layout_of(const Node& node, const AttentionAttributes& attention, KvType kv) {
  kernels::HeadLayout heads;
  heads.query_heads = attention.query_heads;
  heads.kv_heads = attention.kv_heads;
  heads.head_size = attention.head_size;
  heads.kv = storage_of(kv);
  if (attention.value_width() != attention.head_size) heads.value_size = attention.value_width();
  if (node.linear.epilogue == LinearEpilogue::latent) {  // whole blocks, see templates/latent/latent_spec.hpp
    const int rotated = attention.head_size - attention.value_size;
    heads.value_size = static_cast<int>(round_up(attention.value_size, kernels::kBlockColumns));
    heads.head_size = heads.value_size + static_cast<int>(round_up(rotated, kernels::kBlockColumns));
  }
  return heads;
}

void note_rotation_of_long_sequences(Plan& plan, const RopeAttributes& rope) {
  const LongRope& longer = rope.longer;
  if (longer.context == 0 || plan.options.context <= longer.context) return;
  if (longer.ntk_base > 0 && !longer.ntk_doubles)
    plan.notes.push_back(
        fmt::format("positions rotate by their number beyond {} (dynamic NTK): each token behind them "
                    "evaluates the sequence again, "
                    "as the definition has it: use --context {} where that is too slow",
                    longer.context, longer.context));
  else
    plan.remarks.push_back(fmt::format(
        "long sequences rotate differently: one that grows past {} positions is evaluated again then",
        longer.context));
}

}  // namespace

void plan_heads(PlanDraft& draft) {
  Plan& plan = draft.plan;
  bool first = true;
  for (const Node& node : draft.graph.nodes) {
    const AttentionAttributes* attention = projected_heads(node);
    if (attention == nullptr) continue;
    const kernels::HeadLayout heads = layout_of(node, *attention, plan.options.kv);
    if (!first && heads != plan.heads)
      fail("{}: {}: layers with different heads are not supported yet", draft.model.path, node.name);
    plan.heads = heads;
    first = false;
    if (std::find(plan.ropes.begin(), plan.ropes.end(), attention->rope) != plan.ropes.end()) continue;
    plan.ropes.push_back(attention->rope);
    note_rotation_of_long_sequences(plan, attention->rope);
  }
}

}  // namespace burin::graph
