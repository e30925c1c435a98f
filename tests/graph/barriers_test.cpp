// Where threads meet in programs of a few steps.
#include "graph/planner/barriers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/planner/thread_rows.hpp"
#include "tests/graph/plan_queries.hpp"

namespace burin::graph {
namespace {

using kernels::AttentionSpec;
using kernels::GemmEpilogue;
using kernels::GemmRegime;
using kernels::GemmSpec;
using kernels::HeadsSpec;
using kernels::PrepareSpec;
using kernels::RowNorm;
using kernels::RowwiseSpec;
using testing::ElementsAre;

constexpr int kX = 0;
constexpr int kY = 1;
constexpr int kZ = 2;

// Three buffers that do not overlap.
Plan plan_of_buffers() {
  Plan plan;
  for (std::size_t i = 0; i < 3; ++i) plan.buffers.push_back({"", 64, 8, i * 64 * 8 * 4});
  return plan;
}

Step gemm(int input, int output, GemmEpilogue epilogue = GemmEpilogue::store, std::int64_t first = 0,
          std::int64_t last = 2) {
  Step step;
  GemmSpec spec;
  spec.regime = GemmRegime::stream;
  spec.epilogue = epilogue;
  step.spec = spec;
  step.input = input;
  step.output = output;
  step.first_block = first;
  step.last_block = last;
  step.layer = 0;
  return step;
}

Step rowwise(int input, int other, int output) {
  Step step;
  step.spec = RowwiseSpec{};
  step.split = Split::rows;
  step.input = input;
  step.residual = other;
  step.output = output;
  return step;
}

Step prepare(int input) {
  Step step;
  step.spec = PrepareSpec{};
  step.split = Split::rows;
  step.input = input;
  return step;
}

Step tiles(int output) {
  Step step = gemm(-1, output);
  std::get<GemmSpec>(step.spec).regime = GemmRegime::tiles;
  return step;
}

Step heads(int input, int output, RowNorm norm) {
  Step step = gemm(input, output);
  HeadsSpec spec;
  spec.norm = norm;
  step.spec = spec;
  return step;
}

Step attention(int input, int output) {
  Step step;
  step.spec = AttentionSpec{};
  step.split = Split::on_demand;
  step.input = input;
  step.output = output;
  step.layer = 0;
  return step;
}

std::vector<bool> barriers_of(Plan plan, const Program& program) {
  plan.decode = program;
  place_barriers(plan);
  std::vector<bool> barriers;
  for (const Step& step : plan.decode) barriers.push_back(step.barrier);
  return barriers;
}
std::vector<bool> barriers_of(const Program& program) { return barriers_of(plan_of_buffers(), program); }

TEST(Barriers, AGemmReadsAllOfWhatAnotherWroteByBlocks) {
  EXPECT_THAT(barriers_of({gemm(kX, kY), gemm(kY, kZ)}), ElementsAre(true, false));
}

TEST(Barriers, IndependentGemmsNeedNone) {
  EXPECT_THAT(barriers_of({gemm(kX, kY), gemm(kX, kZ)}), ElementsAre(false, false));
}

TEST(Barriers, ABufferIsNotOverwrittenWhileAThreadReadsIt) {
  EXPECT_THAT(barriers_of({gemm(kX, kY), gemm(kZ, kX)}), ElementsAre(true, false));
}

TEST(Barriers, OneStandsAsLateAsItCan) {
  EXPECT_THAT(barriers_of({gemm(kX, kY), gemm(kX, kZ), gemm(kY, kX), gemm(kZ, kX)}),
              ElementsAre(false, true, false, false));
}

TEST(Barriers, SegmentsOfOneNodeNeedNone) {
  EXPECT_THAT(barriers_of({gemm(kX, kY, GemmEpilogue::store, 0, 1), gemm(kX, kY, GemmEpilogue::store, 1, 2)}),
              ElementsAre(false, false));
}

// Blocks 0 .. 1 of a gate product are half as wide: another thread's columns are among them.
TEST(Barriers, BlocksOfOtherWidthsAreOtherColumns) {
  Step add = gemm(kX, kY, GemmEpilogue::add);
  add.residual = kY;
  EXPECT_THAT(barriers_of({gemm(kX, kY), add}), ElementsAre(false, false));
  EXPECT_THAT(barriers_of({gemm(kX, kY, GemmEpilogue::gate), add}), ElementsAre(true, false));
}

TEST(Barriers, RowsStayWithTheirThread) {
  EXPECT_THAT(barriers_of({rowwise(kX, -1, kY), rowwise(kY, kX, kY), prepare(kY)}),
              ElementsAre(false, false, false));
  EXPECT_THAT(barriers_of({gemm(kX, kY), rowwise(kY, -1, kZ)}), ElementsAre(true, false));
}

// A GEMM by heads writes within the parts of them that an attention reads.
Step by_heads(Step step, std::int64_t inputs, std::int64_t outputs) {
  step.split = Split::query_heads;
  step.query_heads = 2;
  step.head_inputs = inputs;
  step.head_outputs = outputs;
  return step;
}

TEST(Barriers, QueryHeadsStayWithTheirThreadWhereTheirPartsAreTheSame) {
  AttentionSpec spec;
  spec.heads = {2, 1, 96, kernels::KvStorage::f32, 64};
  Step attend = attention(kY, kZ);
  attend.spec = spec;
  attend.split = Split::query_heads;
  EXPECT_THAT(barriers_of({by_heads(gemm(kX, kY), 32, 96), attend}), ElementsAre(false, false));
  EXPECT_THAT(barriers_of({attend, by_heads(gemm(kZ, kX), 64, 32)}), ElementsAre(false, false));
  // Another thread's head is still read, or was written.
  EXPECT_THAT(barriers_of({by_heads(gemm(kX, kY), 32, 64), attend}), ElementsAre(true, false));
  EXPECT_THAT(barriers_of({by_heads(gemm(kZ, kX), 32, 96), attend}), ElementsAre(true, false));
}

TEST(Barriers, ACachedRowThatEveryThreadWritesIsEachThreadsOwn) {
  Step row = gemm(kX, -1);
  row.spec = kernels::LatentSpec{};
  row.norm = 0;
  Step attend = attention(kY, kZ);
  attend.split = Split::query_heads;
  EXPECT_THAT(barriers_of({row, attend}), ElementsAre(true, false));
  row.split = Split::everything;
  EXPECT_THAT(barriers_of({row, attend}), ElementsAre(false, false));
}

TEST(Barriers, PreparedRowsAreReadByAllAndNotOverwrittenBefore) {
  EXPECT_THAT(barriers_of({prepare(kX), tiles(kY), prepare(kX), tiles(kZ)}),
              ElementsAre(true, true, true, false));
}

TEST(Barriers, AttentionNeedsTheCache) {
  Step project = gemm(kX, kY, GemmEpilogue::rope_kv);
  Step attend = attention(kZ, kX);
  EXPECT_THAT(barriers_of({project, attend}), ElementsAre(true, false));
  attend.layer = 1;
  attend.output = kZ;
  EXPECT_THAT(barriers_of({project, attend}), ElementsAre(false, false)) << "another layer's cache";
}

TEST(Barriers, HeadsReadTheirOwnBlocksUnlessTheyAreNormalised) {
  EXPECT_THAT(barriers_of({gemm(kX, kY), heads(kY, kZ, RowNorm::none)}), ElementsAre(false, false));
  EXPECT_THAT(barriers_of({gemm(kX, kY), heads(kY, kZ, RowNorm::rms)}), ElementsAre(true, false));
}

TEST(Barriers, HeadsSplitAlikeStayWithTheirThread) {
  Step store = heads(kX, kY, RowNorm::rms);
  Step attend = attention(kY, kZ);
  EXPECT_THAT(barriers_of({store, attend}), ElementsAre(true, false));
  store.split = attend.split = Split::heads;
  EXPECT_THAT(barriers_of({store, attend}), ElementsAre(false, false));
}

TEST(Barriers, BuffersThatOverlapAreOnePlace) {
  Plan plan = plan_of_buffers();
  plan.buffers[kZ].offset = plan.buffers[kY].offset + 64;
  EXPECT_THAT(barriers_of(plan, {gemm(kX, kY), gemm(kX, kZ)}), ElementsAre(true, false));
}

TEST(Barriers, RowsOfAThreadsOwnNeedNone) {
  Plan plan = plan_of_buffers();
  plan.buffers[kY].per_thread = true;
  Step norm = rowwise(kX, -1, kY);
  norm.split = Split::everything;
  EXPECT_THAT(barriers_of(plan, {norm, gemm(kY, kZ)}), ElementsAre(false, false));
}

// gemm -> x -> norm -> y -> gemm -> z; the head reads `head`.
Plan with_own_rows(int head) {
  Plan plan = plan_of_buffers();
  plan.decode = {gemm(kZ, kX), rowwise(kX, kY, kY), gemm(kY, kZ)};
  plan.head_one = {gemm(head, kX)};
  keep_rows_with_threads(plan);
  return plan;
}

TEST(ThreadRows, ARowIsComputedByEveryThreadForItself) {
  const Plan plan = with_own_rows(kZ);
  ASSERT_EQ(plan.buffers.size(), 4u);
  const Buffer& own = plan.buffers[3];
  EXPECT_TRUE(own.per_thread);
  EXPECT_EQ(own.rows, 1);
  EXPECT_EQ(own.width, 64);
  EXPECT_EQ(plan.thread_bytes, 256u);
  EXPECT_EQ(plan.decode[1].split, Split::everything);
  EXPECT_EQ(plan.decode[1].input, kX);
  EXPECT_EQ(plan.decode[1].residual, kY) << "written by others before: still in shared rows";
  EXPECT_EQ(plan.decode[1].output, 3);
  EXPECT_EQ(plan.decode[2].input, 3);
  EXPECT_EQ(plan.decode[2].output, kZ);
  EXPECT_THAT(barriers_of(plan, plan.decode), ElementsAre(true, false, false));
}

TEST(ThreadRows, WhatTheHeadReadsIsShared) {
  const Plan plan = with_own_rows(kY);
  EXPECT_EQ(plan.buffers.size(), 3u);
  EXPECT_EQ(plan.decode[1].split, Split::rows);
  EXPECT_EQ(plan.decode[1].output, kY);
  EXPECT_THAT(barriers_of(plan, plan.decode), ElementsAre(true, true, false));
}

TEST(ThreadRows, HeadsAreSplitLikeTheirAttention) {
  Plan plan = plan_of_buffers();
  plan.decode = {heads(kX, kY, RowNorm::rms), attention(kY, kZ)};
  plan.head_one = {gemm(kZ, kX)};
  keep_rows_with_threads(plan);
  EXPECT_EQ(plan.decode[0].split, Split::heads);
  EXPECT_EQ(plan.decode[1].split, Split::heads);
}

TEST(ThreadRows, EachThreadHasAllHeadsWhereAnyMayNeedThem) {
  Plan plan = plan_of_buffers();
  plan.decode = {heads(kX, kY, RowNorm::rms), attention(kY, kZ), gemm(kZ, kX)};
  plan.decode[1].part_keys = 256;
  plan.head_one = {gemm(kX, kZ)};
  keep_rows_with_threads(plan);
  place_barriers(plan);
  EXPECT_EQ(plan.decode[0].split, Split::everything);
  EXPECT_EQ(plan.decode[1].split, Split::on_demand);
  EXPECT_TRUE(plan.buffers.at(static_cast<std::size_t>(plan.decode[1].input)).per_thread);
  EXPECT_EQ(plan.decode[1].input, plan.decode[0].output);
  EXPECT_THAT(barriers_of(plan, plan.decode), ElementsAre(false, true, false));
}

}  // namespace
}  // namespace burin::graph
