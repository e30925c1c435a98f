// Estimated times: which bytes and multiply-adds count, and what limits a step.
#include "graph/roofline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/graph/plan_queries.hpp"

namespace burin::graph {
namespace {

using testing::HasSubstr;

// Round figures: a GB of bytes and a G of multiply-adds take a second each.
MachineLimits round_limits() { return {"made up", false, 1, 1e9, 1e9, 1e9, 1e9, 1e9, 1e-3}; }

Plan made_plan() {
  PlanOptions options;
  options.compute = ComputeType::int8;
  return plan_of(describe(typed(kernels::StoredType::q8_0)), options);
}

const Step& step_named(const Program& program, std::string_view name) {
  const auto at = std::find_if(program.begin(), program.end(), [&](const Step& s) { return s.name == name; });
  if (at == program.end()) throw std::logic_error("no such step");
  return *at;
}

TEST(Roofline, AMatrixForOneRowIsBoundByItsWeights) {
  const Plan plan = made_plan();
  const Step& down = step_named(plan.decode, "blk.0.ffn_down");  // 96 x 64
  const StepEstimate e = estimate(plan, down, {1, 7}, round_limits());
  EXPECT_EQ(e.weights, plan.matrices[static_cast<std::size_t>(down.matrix)].shape.total_bytes);
  EXPECT_EQ(e.read, (96 + 64) * sizeof(float));  // the input and the residual
  EXPECT_EQ(e.written, 64 * sizeof(float));
  EXPECT_DOUBLE_EQ(e.macs, 96 * 64);
  EXPECT_DOUBLE_EQ(e.seconds, static_cast<double>(e.bytes()) / 1e9 + 1e-3);
}

TEST(Roofline, ManyRowsAreBoundByTheMultipliers) {
  const Plan plan = made_plan();
  const Step& down = step_named(plan.prefill, "blk.0.ffn_down");
  MachineLimits limits = round_limits();
  limits.int8_macs_per_second = 1e6;
  limits.barrier_seconds = 0;
  const StepEstimate e = estimate(plan, down, {100, 0}, limits);
  EXPECT_DOUBLE_EQ(e.seconds, 100 * 96 * 64 / 1e6);
  EXPECT_EQ(e.bound, Bound::arithmetic);
  limits.int8_macs_per_second = 1e15;
  EXPECT_EQ(estimate(plan, down, {100, 0}, limits).bound, Bound::memory);
  limits.barrier_seconds = 1;
  EXPECT_EQ(estimate(plan, down, {100, 0}, limits).bound, Bound::barrier);
}

TEST(Roofline, AttentionCountsThePositionsThatAreSeen) {
  const Plan plan = made_plan();
  Step attention = step_named(plan.decode, "blk.0.attention");  // 4 query heads of 16, 2 KV heads
  auto& spec = std::get<kernels::AttentionSpec>(attention.spec);
  const auto macs = [&](const Load& load) { return estimate(plan, attention, load, round_limits()).macs; };
  const auto read = [&](const Load& load) { return estimate(plan, attention, load, round_limits()).read; };
  EXPECT_DOUBLE_EQ(macs({1, 99}), 2 * 4 * 16 * 100);
  EXPECT_DOUBLE_EQ(macs({3, 0}), 2 * 4 * 16 * (1 + 2 + 3));
  const std::uint64_t kv_bytes = 2 * 64 * (16 + 16) * 2;             // of a block of positions, in bf16
  EXPECT_EQ(read({1, 127}), 2 * kv_bytes + 4 * 32 * sizeof(float));  // query heads are padded to a block
  spec.window = 10;
  EXPECT_DOUBLE_EQ(macs({1, 99}), 2 * 4 * 16 * 10);
  EXPECT_DOUBLE_EQ(macs({12, 0}), 2 * 4 * 16 * (55 + 10 + 10));
  EXPECT_EQ(read({1, 127}), kv_bytes + 4 * 32 * sizeof(float));
}

TEST(Roofline, ProgramsAreTheSumsOfTheirSteps) {
  const Plan plan = made_plan();
  const PlanEstimate e = estimate(plan, round_limits());
  ASSERT_EQ(e.decode.steps.size(), plan.decode.size());
  double sum = 0;
  for (const StepEstimate& step : e.decode.steps) sum += step.seconds;
  EXPECT_DOUBLE_EQ(e.decode.seconds, sum);
  EXPECT_EQ(e.decode_load.position, plan.options.context - 1);
  EXPECT_EQ(e.prefill_load.rows, plan.options.chunk);
  EXPECT_GT(e.chunk_seconds(), e.token_seconds());
}

TEST(NominalLimits, GrowWithThreadsAndInstructions) {
  for (const jit::NamedTarget& known : jit::known_targets()) {
    const jit::Target target = jit::parse_target(known.name);
    const MachineLimits one = nominal_limits(target, 1);
    const MachineLimits many = nominal_limits(target, 1000);
    EXPECT_FALSE(one.measured);
    EXPECT_THAT(one.source, HasSubstr("nominal figures of " + std::string(known.name)));
    EXPECT_GT(many.read_bytes_per_second, one.read_bytes_per_second);
    EXPECT_LT(many.read_bytes_per_second, 1000 * one.read_bytes_per_second) << "memory has an end";
    EXPECT_DOUBLE_EQ(many.f32_macs_per_second, 1000 * one.f32_macs_per_second);
    EXPECT_GE(one.bf16_macs_per_second, one.f32_macs_per_second);
    EXPECT_GT(one.int8_macs_per_second, one.f32_macs_per_second);
    EXPECT_EQ(one.barrier_seconds, 0);
    EXPECT_GT(many.barrier_seconds, 0);
  }
  const auto int8 = [](const char* target) { return dot_rates(jit::parse_target(target)).int8; };
  EXPECT_LT(int8("avx2"), int8("avx2,avxvnni"));
  EXPECT_LT(int8("skylake-avx512"), int8("cascadelake"));
  EXPECT_LT(int8("cascadelake"), int8("sapphirerapids"));
}

TEST(NominalLimits, FeatureListsGetTheNearestCpu) {
  EXPECT_THAT(nominal_limits(jit::parse_target("avx2")).source, HasSubstr("haswell"));
  EXPECT_THAT(nominal_limits(jit::parse_target("avx512vnni")).source, HasSubstr("cascadelake"));
  EXPECT_EQ(nominal_limits(jit::parse_target("avx2")).threads, kNominalThreads);
}

}  // namespace
}  // namespace burin::graph
