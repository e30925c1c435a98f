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

  graph::Plan plan_for(const jit::Target& target) const {
    return graph::make_plan(file_->description(), target, {});
  }

  // Logits after three tokens, with kernels of this store.
  std::vector<float> logits(const graph::Plan& plan, jit::KernelStore& store) const {
    ThreadPool pool(1);
    const Weights weights = pack_weights(plan, *file_, pool, nullptr);
    const BoundPlan bound = bind(plan, weights, store);
    Workspace workspace(plan, 1, 0);
    workspace.kv.make_room(0, 3);
    workspace.kv.show(0, 3, 0);
    const std::vector<std::int32_t> tokens = {1, 7, 3};
    std::copy(tokens.begin(), tokens.end(), workspace.tokens.begin());
    // Some rotation: all that matters is that it is the same for both.
    for (std::size_t i = 0; i < workspace.rotations[0].size(); ++i)
      workspace.rotations[0][i] = 1.0f / static_cast<float>(1 + i % 5);
    run_program(plan, bound.prefill, workspace, pool, {0, 3, 0});
    run_program(plan, bound.head_one, workspace, pool, {2, 1, 0});
    const std::byte* row = workspace.arena() + plan.buffers[static_cast<std::size_t>(plan.logits)].offset;
    const auto* first = reinterpret_cast<const float*>(row);
    return {first, first + plan.vocabulary};
  }

  const tests::TemporaryFolder folder_;
  const std::unique_ptr<ModelFile> file_;
};

TEST_F(EmulatedBundle, RunsForEveryCpuWithAvx512) {
  const graph::Plan own = plan_for(jit::parse_target("haswell"));
  jit::KernelStore emitting;
  const std::vector<float> expected = logits(own, emitting);
  for (const char* name : {"icelake-server", "znver5", "sapphirerapids", "graniterapids"}) {
    const jit::Target target = jit::parse_target(name);
    if (!emulation::can_run(target)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
    const graph::Plan plan = plan_for(target);
    const std::vector<std::uint8_t> file = make_bundle({&plan, 1}, [](double) {});
    jit::KernelStore store({{jit::Bundle("test", file)}, std::nullopt, false});
    const emulation::EmulatedCpu cpu;
    const std::vector<float> got = logits(plan, store);
    EXPECT_EQ(store.counts().emitted, 0);
    EXPECT_GT(store.counts().from_bundle, 5);
    ASSERT_EQ(got.size(), expected.size());
    float largest = 0;
    for (const float value : expected) largest = std::max(largest, std::abs(value));
    EXPECT_GT(largest, 0);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-4f * largest) << name << ", token " << i;
  }
}

}  // namespace
}  // namespace burin::runtime
