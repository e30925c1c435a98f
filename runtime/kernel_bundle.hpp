// Bundles of kernels for whole plans: making them, and choosing from them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/plan.hpp"
#include "jit/bundle.hpp"
#include "jit/kernel_store.hpp"

namespace burin::runtime {

// What a plan's kernels are for: "model.gguf, int8 compute, bf16 KV cache, plan 0123456789abcdef". The plan id is
// a digest of the kernels' names: plans of equal ids need the same kernels.
std::string plan_origin(const graph::Plan& plan);

// What goes into a bundle's file, or an object's.
struct EmittedKernels {
  std::vector<jit::BundleTarget> targets;
  std::vector<jit::CodeImage> images;
};

// Emits all kernels of all plans, for CPUs that need not be this one. `progress` gets 0..1.
EmittedKernels emit_plans(std::span<const graph::Plan> plans, const std::function<void(double)>& progress);

// The same as a bundle's file.
std::vector<std::uint8_t> make_bundle(std::span<const graph::Plan> plans,
                                      const std::function<void(double)>& progress);

// The host's target as far as the bundles have kernels for it: the one of theirs with the most features that
// this CPU can run. Throws burin::Error naming what they have where it can run none.
jit::Target best_target(const std::vector<jit::Bundle>& bundles);

// Says what the bundles were made for, so that one sees why a kernel is not there.
std::string describe(const std::vector<jit::Bundle>& bundles);

// What a user should know who gave bundles: that they lack kernels, or are for a lesser CPU. A sentence each.
std::vector<std::string> bundle_notes(const std::vector<jit::Bundle>& bundles, const graph::Plan& plan,
                                      const jit::KernelCounts& counts);

}  // namespace burin::runtime
