// From a model's description to its plan: graph, passes, choices, matrices, buffers, steps.
#include <algorithm>

#include "graph/arch/architectures.hpp"
#include "graph/lowerable.hpp"
#include "graph/passes/passes.hpp"
#include "graph/plan.hpp"
#include "graph/planner/barriers.hpp"
#include "graph/planner/buffer_planner.hpp"
#include "graph/planner/choices.hpp"
#include "graph/planner/few_rows.hpp"
#include "graph/planner/heads.hpp"
#include "graph/planner/lowering.hpp"
#include "graph/planner/matrix_planner.hpp"
#include "graph/planner/thread_rows.hpp"
#include "graph/planner/widened_types.hpp"

namespace burin::graph {

bool PackedMatrix::has_bias() const {
  return std::any_of(biases.begin(), biases.end(), [](std::ptrdiff_t bias) { return bias >= 0; });
}

Plan make_plan(const ModelDescription& model, const jit::Target& target, const PlanOptions& options) {
  Decoder decoder = build_decoder(model);
  PlanDraft draft{model, std::move(decoder.graph), {}};
  Plan& plan = draft.plan;
  plan.model = model.path;
  plan.architecture = model.architecture;
  plan.target = target;
  plan.options = options;
  plan.layers = decoder.layers;
  plan.vocabulary = decoder.vocabulary;
  plan.trace = run_passes(draft.graph);
  choose_context(draft, decoder.context);
  require_kernels(draft.graph, model, plan.options.context);
  choose_types(draft);
  if (plan.options.kv == KvType::int8) separate_heads(draft.graph, plan.trace);
  plan_heads(draft);
  const MatrixTable matrices = plan_matrices(draft);
  for (std::string& remark : widened_types(model, plan.matrices)) plan.remarks.push_back(std::move(remark));
  const std::map<ValueId, int> buffer_of = plan_buffers(draft, matrices);
  Lowering(draft, matrices, buffer_of).lower();
  keep_rows_with_threads(plan);
  place_barriers(plan);
  plan_few_rows(plan);
  return std::move(draft.plan);
}

}  // namespace burin::graph
