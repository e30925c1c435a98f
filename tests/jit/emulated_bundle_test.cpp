// A bundle for a CPU that this one is not: its kernels run under the emulator.
#include <gtest/gtest.h>

#include "jit/kernel_store.hpp"
#include "runtime/executor.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/kernel_bundle.hpp"
#include "tests/emulation/emulator.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

class EmulatedBundle : public testing::Test {
 protected:
  EmulatedBundle() : file_(ModelFile::open(folder_.write("tiny.gguf", tests::tiny_gguf().bytes()))) {}

  graph::Plan plan_for(const jit::Target& target, graph::ComputeType compute) const {
    graph::PlanOptions options;
    options.compute = compute;
    if (compute == graph::ComputeType::int8) options.weights = kernels::parse_weight_format("int8s.g32.f16");
    return graph::make_plan(file_->description(), target, options);
  }

  // Logits after three tokens, with kernels of this store.
  std::vector<float> logits(const graph::Plan& plan, jit::KernelStore& store) const {
    ThreadPool pool(1);
    const Weights weights = pack_weights(plan, *file_, pool, nullptr);
    const BoundPlan bound = bind(plan, weights, store);
    Workspace workspace(plan, 1, 0);
    workspace.kv.make_room(0, 3);
    workspace.kv.show(0, 3, 0);
    workspace.add_sequence({&workspace.kv, 0, 3, 0});
    const std::vector<std::int32_t> tokens = {1, 7, 3};
    std::copy(tokens.begin(), tokens.end(), workspace.tokens.begin());
    // Some rotation: all that matters is that it is the same for both.
    for (std::size_t i = 0; i < workspace.rotations[0].size(); ++i)
      workspace.rotations[0][i] = 1.0f / static_cast<float>(1 + i % 5);
    run_program(plan, bound.prefill, workspace, pool, {0, 3});
    run_program(plan, bound.head_one, workspace, pool, {2, 1});
    const std::byte* row = workspace.arena() + plan.buffers[static_cast<std::size_t>(plan.logits)].offset;
    const auto* first = reinterpret_cast<const float*>(row);
    return {first, first + plan.vocabulary};
  }

  // From a bundle's file for this CPU, as it would be deployed, against AVX2 kernels that this host emits for itself.
  void expect_same_logits(const char* name, graph::ComputeType compute, float tolerance) const {
    jit::KernelStore emitting;
    const std::vector<float> expected = logits(plan_for(jit::parse_target("haswell"), compute), emitting);
    const graph::Plan plan = plan_for(jit::parse_target(name), compute);
    const std::vector<std::uint8_t> file = make_bundle({&plan, 1}, [](double) {});
    const auto path = folder_.write("kernels.bnd", {reinterpret_cast<const char*>(file.data()), file.size()});
    jit::KernelStore store({{jit::Bundle::open(path)}, std::nullopt, false});
    const emulation::EmulatedCpu cpu;
    const std::vector<float> got = logits(plan, store);
    EXPECT_EQ(store.counts().emitted, 0);
    EXPECT_GT(store.counts().from_bundle, 5);
    ASSERT_EQ(got.size(), expected.size());
    float largest = 0;
    for (const float value : expected) largest = std::max(largest, std::abs(value));
    EXPECT_GT(largest, 0);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], tolerance * largest) << name << ", token " << i;
  }

  const tests::TemporaryFolder folder_;
  const std::unique_ptr<ModelFile> file_;
};

TEST_F(EmulatedBundle, RunsForEveryCpuWithAvx512) {
  for (const char* name : {"icelake-server", "znver5", "sapphirerapids", "graniterapids"}) {
    if (!emulation::can_run(jit::parse_target(name))) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
    expect_same_logits(name, graph::ComputeType::f32, 1e-4f);
    // Integer sums are the same; attention rounds to bf16 where the CPU has products of it.
    expect_same_logits(name, graph::ComputeType::int8, 2e-2f);
  }
}

}  // namespace
}  // namespace burin::runtime
