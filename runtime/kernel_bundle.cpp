#include "runtime/kernel_bundle.hpp"

#include <bit>
#include <filesystem>
#include <set>

#include "jit/error.hpp"
#include "jit/sha256.hpp"
#include "runtime/plan_kernels.hpp"

namespace burin::runtime {
namespace {

std::string plan_id(const graph::Plan& plan) {
  std::set<std::string> names;
  for (const graph::Step* step : kernel_steps(plan)) names.insert(step->kernel);
  std::string text;
  for (const std::string& name : names) text += name + '\n';
  return jit::to_hex(jit::sha256(text)).substr(0, 16);
}

}  // namespace

std::string plan_origin(const graph::Plan& plan) {
  // The name alone: where the file lay is nobody's business.
  std::filesystem::path model(plan.model);
  if (!model.has_filename()) model = model.parent_path();
  return fmt::format("{}, {} compute, {} KV cache, plan {}", printable(model.filename().string()),
                     graph::to_text(plan.options.compute), graph::to_text(plan.options.kv), plan_id(plan));
}

EmittedKernels emit_plans(std::span<const graph::Plan> plans, const std::function<void(double)>& progress) {
  EmittedKernels kernels;
  auto& [targets, images] = kernels;
  for (const graph::Plan& plan : plans) {
    targets.push_back({plan.target, plan_origin(plan)});
    const std::vector<const graph::Step*> steps = kernel_steps(plan);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      images.push_back(graph::emit_kernel(steps[i]->spec, plan.target));
      const double done = static_cast<double>(targets.size() - 1) +
                          static_cast<double>(i + 1) / static_cast<double>(steps.size());
      progress(done / static_cast<double>(plans.size()));
    }
  }
  return kernels;
}

std::vector<std::uint8_t> make_bundle(std::span<const graph::Plan> plans,
                                      const std::function<void(double)>& progress) {
  const EmittedKernels kernels = emit_plans(plans, progress);
  return jit::bundle_file(kernels.targets, kernels.images, jit::this_emitter());
}

jit::Target best_target(const std::vector<jit::Bundle>& bundles) {
  const jit::Target host = jit::host_target();
  const jit::Target* best = nullptr;
  for (const jit::Bundle& bundle : bundles)
    for (const jit::BundleTarget& row : bundle.targets()) {
      const jit::Target& target = row.target;
      if (!host.features.contains(target.features)) continue;
      if (best == nullptr || std::popcount(target.features.bits()) > std::popcount(best->features.bits()))
        best = &target;
    }
  if (best == nullptr) fail("this CPU ({}) can run none of them: {}", host.name, describe(bundles));
  return *best;
}

std::string describe(const std::vector<jit::Bundle>& bundles) {
  std::string text;
  for (const jit::Bundle& bundle : bundles) {
    text += fmt::format("{}{} was made for ", text.empty() ? "" : "; ", bundle.name());
    const std::vector<jit::BundleTarget>& rows = bundle.targets();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      // Once for targets in a row.
      const bool last = i + 1 == rows.size() || rows[i + 1].origin != rows[i].origin;
      text += rows[i].target.name + (last ? fmt::format(" ({})", rows[i].origin) : "");
      if (i + 1 < rows.size()) text += ", ";
    }
  }
  return text;
}

std::vector<std::string> bundle_notes(const std::vector<jit::Bundle>& bundles, const graph::Plan& plan,
                                      const jit::KernelCounts& counts) {
  std::vector<std::string> notes;
  if (bundles.empty()) return notes;
  const jit::Target host = jit::host_target();
  if (counts.emitted + counts.from_disk > 0)
    notes.push_back(
        fmt::format("kernels for {}: {} of {} are not in the bundles ({} emitted, {} from the cache): {}",
                    plan.target.name, counts.emitted + counts.from_disk,
                    counts.emitted + counts.from_disk + counts.from_bundle, counts.emitted, counts.from_disk,
                    describe(bundles)));
  else if (plan.target.features != host.features)
    notes.push_back(fmt::format("kernels for {} are used, this CPU ({}) could do more: {}", plan.target.name,
                                host.name, describe(bundles)));
  return notes;
}

}  // namespace burin::runtime
