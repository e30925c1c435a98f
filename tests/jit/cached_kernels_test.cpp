// Every kind of kernel comes back from disk as it was emitted, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "jit/disk_cache.hpp"
#include "jit/error.hpp"
#include "jit/spec_text.hpp"
#include "runtime/plan_kernels.hpp"
#include "runtime/synthetic/description.hpp"
#include "templates/heads/heads_spec.hpp"
#include "templates/latent/latent_spec.hpp"
#include "templates/probe/probe_spec.hpp"
#include "templates/rowwise/rowwise_spec.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/weight_formats.hpp"

namespace burin {
namespace {

class CachedKernels : public testing::Test {
 protected:
  CachedKernels() : cache_({temporary_.path() / "cache"}) {}

  template <typename Emit>
  void expect_same(const std::string& name, const jit::Target& target, Emit emit) {
    const jit::KernelKey key = {name, target.features};
    if (!seen_.insert(key.text()).second) return;
    const jit::CodeImage image = emit();
    EXPECT_EQ(image.name, name);
    EXPECT_EQ(image.features, target.features);
    cache_.store(key, image);
    const std::optional<jit::CodeImage> cached = cache_.load(key);
    ASSERT_TRUE(cached.has_value()) << key.text();
    const jit::CodeImage fresh = emit();
    EXPECT_EQ(cached->bytes, fresh.bytes) << key.text();
    EXPECT_EQ(cached->code_size, fresh.code_size) << key.text();
    EXPECT_EQ(cached->unwind, fresh.unwind) << key.text();
    EXPECT_EQ(cached->name, fresh.name);
    ++kernels_;
  }

  // All kernels of a model; `kinds_` collects which there were.
  void expect_plan(const jit::Target& target, const graph::PlanOptions& options,
                   const std::string& shape = "llama-1b:1") {
    const graph::Plan plan = graph::make_plan(runtime::synthetic_description(shape), target, options);
    for (const graph::Step* step : runtime::kernel_steps(plan)) {
      kinds_.insert(std::string(graph::kind_of(step->spec)));
      expect_same(step->kernel, target, [&] { return graph::emit_kernel(step->spec, target); });
    }
  }

  const tests::TemporaryFolder temporary_;
  jit::DiskCache cache_;
  std::set<std::string> kinds_;
  std::set<std::string> seen_;  // keys of kernels
  int kernels_ = 0;
};

TEST_F(CachedKernels, OfEveryWeightFormatComputeTypeAndTarget) {
  for (const jit::NamedTarget& named : jit::known_targets())
    for (const kernels::WeightFormat& format : tests::all_formats())
      for (const graph::ComputeType compute : {graph::ComputeType::automatic, graph::ComputeType::f32}) {
        graph::PlanOptions options;
        options.compute = compute;
        options.weights = format;
        expect_plan(jit::parse_target(named.name), options);
      }
  EXPECT_THAT(kinds_, testing::IsSupersetOf({"attention", "embed", "gemm", "prepare"}));
  EXPECT_GT(kernels_, 2000);
}

TEST_F(CachedKernels, OfEveryShapeAndCacheType) {
  for (const jit::NamedTarget& named : jit::known_targets())
    for (const char* shape : {"llama-7b:1", "mixtral-8x7b:1", "qwen3-30b-a3b:1", "gptj-6b:1", "neox-20b:1",
                              "falcon-7b:1", "mpt-7b:1", "bloom-7b:1"})
      for (const graph::KvType kv :
           {graph::KvType::f32, graph::KvType::f16, graph::KvType::bf16, graph::KvType::int8}) {
        graph::PlanOptions options;
        options.kv = kv;
        options.weights = kernels::WeightFormat::integer_format(4, true, 32, kernels::ScaleType::f16);
        expect_plan(jit::parse_target(named.name), options, shape);
      }
  EXPECT_THAT(kinds_,
              testing::IsSupersetOf({"attention", "embed", "gemm", "heads", "prepare", "route", "rowwise"}));
}

TEST_F(CachedKernels, OfOtherKinds) {
  const kernels::RowwiseSpec rowwise;
  const kernels::RouteSpec route;
  kernels::HeadsSpec heads;
  heads.input_stride = heads.heads.blocks() * 32;
  kernels::LatentSpec latent;
  latent.heads = {4, 1, 96, kernels::KvStorage::bf16, 64};
  latent.latent = 64;
  for (const jit::NamedTarget& named : jit::known_targets()) {
    const jit::Target target = jit::parse_target(named.name);
    expect_same(jit::spec_text(rowwise), target, [&] { return kernels::emit_rowwise(rowwise, target); });
    expect_same(jit::spec_text(route), target, [&] { return kernels::emit_route(route, target); });
    expect_same(jit::spec_text(heads), target, [&] { return kernels::emit_heads(heads, target); });
    expect_same(jit::spec_text(latent), target, [&] { return kernels::emit_latent(latent, target); });
  }
}

TEST_F(CachedKernels, OfTheProbes) {
  for (const kernels::Probe probe : {kernels::Probe::read, kernels::Probe::dot_int8})
    for (const jit::NamedTarget& named : jit::known_targets()) {
      const kernels::ProbeSpec spec = {probe};
      const jit::Target target = jit::parse_target(named.name);
      expect_same(jit::spec_text(spec), target, [&] { return kernels::emit_probe(spec, target); });
    }
}

}  // namespace
}  // namespace burin
