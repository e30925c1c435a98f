#include "runtime/plan_kernels.hpp"

#include <set>
#include <string_view>

#include "jit/error.hpp"
#include "runtime/kernel_bundle.hpp"
#include "templates/emitters.hpp"

namespace burin::runtime {

std::vector<const graph::Step*> kernel_steps(const graph::Plan& plan) {
  std::vector<const graph::Step*> steps;
  std::set<std::string_view> seen;
  for (const graph::Program* program : plan.programs())
    for (const graph::Step& step : *program)
      if (seen.insert(step.kernel).second) steps.push_back(&step);
  return steps;
}

jit::KernelEntry resolve_kernel(const graph::Plan& plan, const graph::Step& step, jit::KernelStore& store) {
  return store.resolve({step.kernel, plan.target.features},
                       [&] { return graph::emit_kernel(step.spec, plan.target); });
}

void resolve_kernels(const graph::Plan& plan, jit::KernelStore& store,
                     const std::vector<jit::Bundle>& bundles) {
  std::string missing;
  int count = 0;
  for (const graph::Step* step : kernel_steps(plan)) {
    try {
      resolve_kernel(plan, *step, store);
    } catch (const jit::MissingKernel&) {
      missing += (count++ == 0 ? "" : ", ") + step->kernel;
    }
  }
  if (count == 0) return;
  fail("kernels for {}: {} missing ({}), needed by {}: {}make them with burin pregen, or {}",
       plan.target.name, count, missing, plan_origin(plan), bundles.empty() ? "" : describe(bundles) + ": ",
       kernels::has_emitters() ? "leave out --no-emit" : "use a Burin that was built with the emitter");
}

}  // namespace burin::runtime
