// The kernels of every architecture that there is a golden plan of, for three CPUs: from disk and from a bundle they
// come back as they are emitted afresh, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "jit/disk_cache.hpp"
#include "jit/error.hpp"
#include "runtime/kernel_bundle.hpp"
#include "runtime/plan_kernels.hpp"
#include "tests/graph/described_model.hpp"
#include "tests/support/reference_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::graph {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTargets[] = {"sapphirerapids", "znver4", "haswell"};
constexpr const char* kWeights[] = {"", "int4s.g32.f16"};  // as stored, where there is a kernel for that

// What there is no plan for is refused by name, which tests/graph/golden_plans_test.cpp is about.
std::vector<Plan> plans_of(const ModelDescription& model, const char* target) {
  std::vector<Plan> plans;
  for (const char* weights : kWeights)
    for (const ComputeType compute : {ComputeType::int8, ComputeType::int8_row, ComputeType::f32}) {
      PlanOptions options;
      options.compute = compute;
      if (*weights != 0) options.weights = kernels::parse_weight_format(weights);
      try {
        plans.push_back(make_plan(model, jit::parse_target(target), options));
      } catch (const Error&) {
      }
    }
  return plans;
}

void expect_same(const jit::CodeImage& got, const jit::CodeImage& fresh) {
  EXPECT_EQ(got.bytes, fresh.bytes) << fresh.name;
  EXPECT_EQ(got.code_size, fresh.code_size) << fresh.name;
  EXPECT_EQ(got.unwind, fresh.unwind) << fresh.name;
  EXPECT_FALSE(fresh.unwind.empty()) << fresh.name;
}

TEST(ArchitectureKernels, ComeBackAsTheyWereEmitted) {
  const tests::TemporaryFolder folder;
  jit::DiskCache cache({folder / "cache"});
  std::set<std::string> seen;
  std::set<std::string> kinds;
  for (const auto& entry : fs::directory_iterator(BURIN_SOURCE_DIR "/tests/graph/architectures")) {
    const ModelDescription model = parse_description(tests::read_bytes(entry.path()), entry.path().stem());
    for (const char* target : kTargets)
      for (const Plan& plan : plans_of(model, target))
        for (const Step* step : runtime::kernel_steps(plan)) {
          const jit::KernelKey key = {step->kernel, plan.target.features};
          if (!seen.insert(key.text()).second) continue;
          kinds.insert(std::string(kind_of(step->spec)));
          const jit::CodeImage image = emit_kernel(step->spec, plan.target);
          cache.store(key, image);
          const std::optional<jit::CodeImage> cached = cache.load(key);
          ASSERT_TRUE(cached.has_value()) << key.text();
          expect_same(*cached, emit_kernel(step->spec, plan.target));
          const jit::Bundle bundle("test", jit::bundle_file({}, {image}, jit::this_emitter()));
          expect_same(bundle.find(key).value(), image);
        }
  }
  EXPECT_GT(seen.size(), 1000u);
  EXPECT_THAT(kinds, testing::IsSupersetOf(
                         {"attention", "embed", "gemm", "heads", "latent", "prepare", "rowwise", "route"}));
}

}  // namespace
}  // namespace burin::graph
