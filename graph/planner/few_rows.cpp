#include "graph/planner/few_rows.hpp"

#include <algorithm>

namespace burin::graph {
namespace {

// On tiles, widening weights to bf16 takes as long for 2 rows as for 64. Of a 7B's layers on Granite Rapids (int4 in groups
// of 32), int8 is 2.6 times as fast for 2 rows, 1.1 times for 16, and slower from 24 on.
constexpr std::int64_t kFewRows = 16;

template <typename Spec>
bool multiplies_integers_in_bf16(const Spec& spec) {
  return spec.weights.is_integer() && spec.activation == kernels::Activation::bf16;
}

// Prepared rows are shorter then (24 bytes for 16 inputs at most): there is room for them.
void compute_like_single_rows(Program& program) {
  for (Step& step : program) {
    if (auto* gemm = std::get_if<kernels::GemmSpec>(&step.spec); gemm && multiplies_integers_in_bf16(*gemm))
      gemm->activation = kernels::Activation::s8;
    if (auto* prepare = std::get_if<kernels::PrepareSpec>(&step.spec);
        prepare && multiplies_integers_in_bf16(*prepare))
      prepare->activation = kernels::Activation::s8;
    if (auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec);
        attention && attention->math == kernels::AttentionMath::amx)
      attention->math = kernels::AttentionMath::bf16;
    step.kernel = kernel_name(step.spec);
  }
}

}  // namespace

void plan_few_rows(Plan& plan) {
  if (plan.options.compute != ComputeType::int8_bf16) return;
  plan.few_rows = std::min(kFewRows, plan.options.chunk);
  plan.few = plan.prefill;
  compute_like_single_rows(plan.few);
  compute_like_single_rows(plan.head_many);
}

}  // namespace burin::graph
