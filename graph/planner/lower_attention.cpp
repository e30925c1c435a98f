#include <algorithm>

#include "graph/planner/lowering.hpp"

namespace burin::graph {
namespace {

// With fewer KV heads than threads, keys are shared out, too. As sums must not depend on the number of threads,
// the parts don't either: they are so long that putting them together costs nothing beside them.
constexpr int kFewKvHeads = 2;
constexpr std::int64_t kShortestPart = 1024;
constexpr std::int64_t kMostParts = 16;
constexpr std::int64_t kPartMultiple = 256;

std::int64_t keys_per_part(const kernels::AttentionSpec& spec, std::int64_t context) {
  const std::int64_t keys = spec.window > 0 ? spec.window : context;
  if (spec.heads.kv_heads > kFewKvHeads || keys <= kShortestPart) return 0;
  return std::max(kShortestPart, round_up((context + kMostParts - 1) / kMostParts, kPartMultiple));
}

// Where products of prompts are computed otherwise than those of single rows anyway: int8 compute gives the same bits for
// rows that come alone and for those of a prompt.
bool is_for_tiles(const Plan& plan) {
  const ComputeType compute = plan.options.compute;
  return plan.target.has(jit::Feature::amx_bf16) && plan.heads.kv == kernels::KvStorage::bf16 &&
         compute != ComputeType::int8 && compute != ComputeType::int8_row;
}

}  // namespace

void Lowering::lower_attention(const Node& node) {
  Step step = step_of(node);
  step.layer = node.attention.layer;
  step.split = Split::on_demand;
  step.scale = node.attention.scale;
  step.constant = node.attention.soft_cap;
  step.slopes = vectors_.slopes(node.attention);
  step.sinks = vectors_.sinks(node.attention);
  kernels::AttentionSpec spec;
  spec.window = node.attention.window < draft_.plan.options.context ? node.attention.window : 0;
  spec.soft_cap = node.attention.soft_cap > 0;
  spec.alibi = step.slopes >= 0;
  spec.sinks = step.sinks >= 0;
  spec.factors = node.attention.log_context > 0 && draft_.plan.options.context > node.attention.log_context;
  if (spec.factors) draft_.plan.log_context = node.attention.log_context;
  spec.heads = draft_.plan.heads;
  if (draft_.plan.options.compute != ComputeType::f32)
    spec.math = kernels::fastest_attention_math(spec.heads.kv, draft_.plan.target);
  kernels::AttentionSpec of_many = spec;
  if (spec.math == kernels::AttentionMath::bf16 && is_for_tiles(draft_.plan))
    of_many.math = kernels::AttentionMath::amx;
  step.spec = of_many;
  add_for_many_rows(step);
  // Threads keep to their query heads, which are many.
  const bool by_heads = draft_.graph.producer(node.inputs[0])->op == Op::latent;
  if (by_heads) {
    step.split = Split::query_heads;
    step.query_heads = spec.heads.query_heads;
  }
  step.part_keys = by_heads ? 0 : keys_per_part(spec, draft_.plan.options.context);
  spec.parts = step.part_keys > 0;
  step.spec = spec;
  add_for_one_row(step);
}

// Clips or normalises, rotates and stores what a QKV projection has made.
void Lowering::lower_heads(const Node& node) {
  const HeadsAttributes& heads = node.heads;
  Step step = step_of(node);
  step.layer = heads.attention.layer;
  step.rope = rope_index(heads.attention.rope);
  step.last_block = draft_.plan.heads.blocks();
  step.constant = heads.limit;
  kernels::HeadsSpec spec;
  spec.heads = draft_.plan.heads;
  spec.clip = heads.limit > 0;
  spec.input_stride = draft_.buffer(step.input).width;
  spec.output_stride = draft_.buffer(step.output).width;
  if (heads.normed) {
    spec.norm = kernel_norm(heads.query_norm.kind);
    spec.unit = heads.query_norm.group > 0 ? kernels::HeadNormUnit::head : kernels::HeadNormUnit::part;
    vectors_.set_head_norms(step, heads);
  }
  step.spec = spec;
  add_for_any_rows(step);
}

}  // namespace burin::graph
