// Bundles of whole plans hold what the CPUs they are for would emit.
#include "runtime/kernel_bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jit/error.hpp"
#include "runtime/plan_kernels.hpp"
#include "runtime/synthetic/description.hpp"
#include "tests/support/error_text.hpp"

namespace burin::runtime {
namespace {

using testing::AllOf;
using testing::HasSubstr;

graph::Plan plan_for(std::string_view target, std::int64_t context = 0, std::int64_t chunk = 512) {
  graph::PlanOptions options;
  options.compute = graph::ComputeType::int8;
  options.weights = kernels::parse_weight_format("int4s.g32.f16");
  options.context = context;
  options.chunk = chunk;
  return graph::make_plan(synthetic_description("llama-1b:1"), jit::parse_target(target), options);
}

std::vector<std::uint8_t> bundle_of(const std::vector<graph::Plan>& plans) {
  return make_bundle(plans, [](double) {});
}

TEST(KernelBundle, HoldsTheBytesThatEachCpuWouldEmit) {
  std::vector<graph::Plan> plans;
  for (const jit::NamedTarget& target : jit::known_targets()) plans.push_back(plan_for(target.name));
  const jit::Bundle bundle("test", bundle_of(plans));
  EXPECT_EQ(bundle.targets().size(), plans.size());
  for (const graph::Plan& plan : plans)
    for (const graph::Step* step : kernel_steps(plan)) {
      const auto stored = bundle.find({step->kernel, plan.target.features});
      ASSERT_TRUE(stored.has_value()) << step->kernel << " for " << plan.target.name;
      EXPECT_EQ(stored->bytes, graph::emit_kernel(step->spec, plan.target).bytes) << step->kernel;
    }
}

TEST(KernelBundle, IsTheSameEachTimeAndForEveryContext) {
  const std::vector<std::uint8_t> first = bundle_of({plan_for("haswell"), plan_for("znver4")});
  EXPECT_EQ(bundle_of({plan_for("haswell"), plan_for("znver4")}), first);
  EXPECT_EQ(bundle_of({plan_for("haswell", 70'000, 100), plan_for("znver4", 64, 3)}), first);
}

TEST(KernelBundle, ProgressEndsAtOne) {
  double last = 0;
  const std::vector<graph::Plan> plans = {plan_for("haswell"), plan_for("znver4")};
  make_bundle(plans, [&](double done) {
    EXPECT_GT(done, last);
    last = done;
  });
  EXPECT_DOUBLE_EQ(last, 1);
}

TEST(KernelBundle, WhatIsMissingIsNamedAndTheReasonGiven) {
  const std::vector<jit::Bundle> bundles = {jit::Bundle("test.bnd", bundle_of({plan_for("haswell")}))};
  const graph::Plan plan = plan_for("alderlake");
  jit::KernelStore store({bundles, std::nullopt, false});
  const std::string error = tests::error_of([&] { resolve_kernels(plan, store, bundles); });
  for (const graph::Step* step : kernel_steps(plan)) EXPECT_THAT(error, HasSubstr(step->kernel));
  EXPECT_THAT(error, AllOf(HasSubstr("for alderlake"), HasSubstr("test.bnd was made for haswell"),
                           HasSubstr(plan_origin(plan))));
}

TEST(KernelBundle, TheBestTargetTheHostCanRunIsChosen) {
  const jit::Target host = jit::host_target();
  std::vector<graph::Plan> plans;
  for (const jit::NamedTarget& target : jit::known_targets()) plans.push_back(plan_for(target.name));
  const std::vector<jit::Bundle> all = {jit::Bundle("test", bundle_of(plans))};
  const jit::Target best = best_target(all);
  EXPECT_TRUE(host.features.contains(best.features));
  for (const graph::Plan& plan : plans)
    EXPECT_FALSE(host.features.contains(plan.target.features) && plan.target.features != best.features &&
                 plan.target.features.contains(best.features))
        << plan.target.name;
}

TEST(KernelBundle, TargetsTheHostCannotRunAreNamed) {
  if (jit::host_target().features.contains(jit::parse_target("graniterapids").features))
    GTEST_SKIP() << "skipped: this CPU can run all targets";
  const std::vector<jit::Bundle> none = {jit::Bundle("test", bundle_of({plan_for("graniterapids")}))};
  EXPECT_THAT(tests::error_of([&] { best_target(none); }), HasSubstr("graniterapids"));
}

}  // namespace
}  // namespace burin::runtime
