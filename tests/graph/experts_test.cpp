// Mixtures of experts: the pass that takes them apart, and their plans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/lowerable.hpp"
#include "graph/passes/passes.hpp"
#include "tests/graph/graph_sketch.hpp"
#include "tests/graph/plan_queries.hpp"
#include "tests/support/error_text.hpp"

namespace burin::graph {
namespace {

using kernels::GemmEpilogue;
using kernels::GemmRegime;
using kernels::GemmSpec;
using kernels::StoredType;
using testing::ElementsAre;
using testing::HasSubstr;

// x -> router -> route -> experts, one of two of them.
struct ExpertSketch : GraphSketch {
  ValueId x = input();
  ValueId routed(ValueId from) {
    Node route;
    route.op = Op::route;
    route.name = "route";
    route.inputs = {linear("router", from, 2)};
    route.route.used = 1;
    return graph.add_node(std::move(route), 2);
  }
  ValueId experts(ValueId from, ValueId weights) {
    Node experts;
    experts.op = Op::experts;
    experts.name = "experts";
    experts.inputs = {from, weights};
    experts.experts.activation = ActivationFunction::silu;
    experts.experts.experts.assign(2, {{"g", "", 4, {}}, {"u", "", 4, {}}, {"d", "", 8, {}}});
    return graph.add_node(std::move(experts), 8);
  }
};

TEST(SplitExperts, OneNormFeedsRouterAndGatesAndTheSumIsFused) {
  ExpertSketch s;
  const ValueId normed = s.norm("norm", s.x);
  s.graph.logits = s.sum("sum", s.x, s.experts(normed, s.routed(normed)));
  for (const TraceLine& line : run_passes(s.graph)) EXPECT_TRUE(line.applied) << line.pass << line.reason;
  EXPECT_THAT(s.names(), ElementsAre("x", "router", "route", "experts_gate", "experts_down"));
  EXPECT_TRUE(s.node("router").linear.normed);
  EXPECT_TRUE(s.node("experts_gate").experts.normed);
  const Node& sums = s.node("experts_down");
  EXPECT_THAT(sums.inputs, ElementsAre(s.node("experts_gate").output, s.node("route").output, s.x));
  EXPECT_EQ(sums.output, s.graph.logits);
}

// What else reads the stream comes before the sums, which overwrite it.
TEST(SplitExperts, SumsStandWhereTheyAreUsed) {
  ExpertSketch s;
  const ValueId normed = s.norm("norm", s.x);
  const ValueId mixed = s.experts(normed, s.routed(normed));
  const ValueId shared = s.linear("shared", normed);
  s.graph.logits = s.sum("second", s.sum("first", s.x, mixed), shared);
  run_passes(s.graph);
  EXPECT_THAT(s.names(), ElementsAre("x", "router", "route", "experts_gate", "experts_down", "shared"));
  EXPECT_EQ(s.node("shared").linear.epilogue, LinearEpilogue::add);
}

TEST(SplitExperts, Refusals) {
  ExpertSketch unrouted;
  unrouted.experts(unrouted.x, unrouted.linear("weights", unrouted.x, 2));
  Trace trace;
  split_experts(unrouted.graph, trace);
  EXPECT_EQ(trace.back().reason, "its weights are no router's choice");

  ExpertSketch later;
  const ValueId sum = later.sum("sum", later.x, later.experts(later.x, later.routed(later.x)));
  later.graph.logits = later.sum("again", sum, later.x);
  run_passes(later.graph);
  EXPECT_EQ(later.node("experts_down").inputs.size(), 2u);
}

ModelDescription made_mixtral(std::int64_t experts, StoredType type, std::int64_t hidden = 64) {
  MadeLlama made;
  made.hidden = hidden;
  made.type = type;
  ModelDescription model = describe(made);
  model.config["llama.expert_count"] = experts;
  model.config["llama.expert_used_count"] = 2;
  for (std::int64_t layer = 0; layer < made.layers; ++layer) {
    const std::string prefix = fmt::format("blk.{}.", layer);
    for (const char* name : {"ffn_gate", "ffn_up", "ffn_down"})
      remove_tensor(model, prefix + name + ".weight");
    set_tensor(model, prefix + "ffn_gate_inp.weight", StoredType::f32, {experts, hidden});
    set_tensor(model, prefix + "ffn_gate_exps.weight", type, {experts, made.feed_forward, hidden});
    set_tensor(model, prefix + "ffn_up_exps.weight", type, {experts, made.feed_forward, hidden});
    set_tensor(model, prefix + "ffn_down_exps.weight", type, {experts, hidden, made.feed_forward});
  }
  return model;
}

std::vector<std::string> names_of(const Program& program, std::string_view prefix) {
  std::vector<std::string> names;
  for (const Step& step : program)
    if (step.name.starts_with(prefix)) names.push_back(step.name.substr(prefix.size()));
  return names;
}

TEST(PlanOfExperts, OneRowHasFiveBarriersAndReadsTheChosenExpertsOnly) {
  const Plan plan = plan_of(made_mixtral(8, StoredType::q8_0));
  EXPECT_EQ(barriers_per_layer(plan), 5);
  EXPECT_THAT(names_of(plan.decode, "blk.0."),
              ElementsAre("attention_qkv", "attention", "attn_output", "ffn_gate_inp", "route",
                          "experts_gate", "experts_down"));
  for (const char* name : {"blk.0.ffn_gate_inp", "blk.0.route"}) {
    const Step step = steps_of(plan.decode, name).at(0);
    EXPECT_EQ(step.split, Split::everything) << name;
    EXPECT_FALSE(step.barrier) << name;
    EXPECT_TRUE(plan.buffers[static_cast<std::size_t>(step.output)].per_thread) << name;
  }
  const Step gates = steps_of(plan.decode, "blk.0.experts_gate").at(0);
  const Step sums = steps_of(plan.decode, "blk.0.experts_down").at(0);
  EXPECT_EQ(gates.routes, steps_of(plan.decode, "blk.0.route").at(0).output);
  EXPECT_EQ(gates.split, Split::experts);
  EXPECT_EQ(sums.split, Split::blocks);
  for (const Step& step : {gates, sums}) {
    EXPECT_EQ(matrix_of(plan, step).experts, 8);
    EXPECT_EQ(traffic_of(plan, step, 0).weights, matrix_of(plan, step).shape.total_bytes / 8 * 2);
  }
  EXPECT_EQ(std::get<GemmSpec>(gates.spec).epilogue, GemmEpilogue::gate);
  EXPECT_EQ(std::get<GemmSpec>(gates.spec).norm, kernels::RowNorm::rms);
  EXPECT_EQ(std::get<GemmSpec>(sums.spec).epilogue, GemmEpilogue::add_scaled);
}

TEST(PlanOfExperts, ManyRowsAreGatheredAndPreparedOncePerExpert) {
  PlanOptions options;
  options.chunk = 100;
  const Plan plan = plan_of(made_mixtral(8, StoredType::q8_0), options);
  EXPECT_THAT(names_of(plan.prefill, "blk.0."),
              ElementsAre("attention_qkv.prepare", "attention_qkv", "attention", "attn_output.prepare",
                          "attn_output", "ffn_gate_inp.prepare", "ffn_gate_inp", "route",
                          "experts_gate.prepare", "experts_gate", "experts_down.prepare", "experts_down"));
  EXPECT_TRUE(
      std::get<kernels::PrepareSpec>(steps_of(plan.prefill, "blk.0.experts_gate.prepare").at(0).spec).gather);
  EXPECT_FALSE(
      std::get<kernels::PrepareSpec>(steps_of(plan.prefill, "blk.0.experts_down.prepare").at(0).spec).gather);
  EXPECT_EQ(plan.prepared_bytes, 2 * 100 * plan.prepared_row_bytes);
}

// All of what the down kernel reads is written: 96 values and zeros up to a group of 128.
TEST(PlanOfExperts, GatesAreAsWideAsTheSumsRead) {
  PlanOptions options;
  options.weights = kernels::parse_weight_format("int4s.g128.f16");
  const Plan plan = plan_of(made_mixtral(4, StoredType::f16), options);
  const Step gates = steps_of(plan.decode, "blk.0.experts_gate").at(0);
  EXPECT_EQ(plan.buffers[static_cast<std::size_t>(gates.output)].width, 2 * 128);
  EXPECT_EQ(std::get<GemmSpec>(gates.spec).columns, 2 * 128);
}

TEST(PlanOfExperts, RoutersAreNotQuantisedOnLoad) {
  PlanOptions options;
  options.weights = kernels::parse_weight_format("int8s.g32.f16");
  options.compute = ComputeType::int8;
  const Plan plan = plan_of(made_mixtral(4, StoredType::f16), options);
  EXPECT_EQ(matrix_of(plan, steps_of(plan.decode, "blk.0.ffn_gate_inp").at(0)).format,
            kernels::parse_weight_format("f32"));
  EXPECT_EQ(matrix_of(plan, steps_of(plan.decode, "blk.0.experts_down").at(0)).format, *options.weights);
}

TEST(PlanOfExperts, LargeRoutersAreSharedOut) {
  const Plan plan = plan_of(made_mixtral(2080, StoredType::f16, 128));
  const Step router = steps_of(plan.decode, "blk.0.ffn_gate_inp").at(0);
  EXPECT_EQ(router.split, Split::blocks);
  EXPECT_TRUE(router.barrier);
  EXPECT_FALSE(plan.buffers[static_cast<std::size_t>(router.output)].per_thread);
}

TEST(PlanOfExperts, DifferingFormatsAreWidenedWithANote) {
  ModelDescription model = made_mixtral(4, StoredType::q8_0);
  set_type(model, "blk.0.ffn_up_exps.weight", StoredType::q4_0);
  const Plan plan = plan_of(model);
  EXPECT_EQ(matrix_of(plan, steps_of(plan.decode, "blk.0.experts_gate").at(0)).format,
            kernels::parse_weight_format("f32"));
  EXPECT_THAT(plan.notes, testing::Contains(HasSubstr("blk.0.experts_gate: blk.0.ffn_gate_exps.weight is")));
}

TEST(PlanOfExperts, WhatKernelsCannotDoIsRefused) {
  const ModelDescription model = made_mixtral(2, StoredType::f16);
  ExpertSketch apart;  // not added to anything
  apart.graph.logits = apart.experts(apart.x, apart.routed(apart.x));
  for (Node& node : apart.graph.nodes) {
    for (LinearPart& part : node.linear.parts) part.weight = "blk.0.ffn_gate_inp.weight";
    for (Expert& expert : node.experts.experts)
      expert.gate.weight = expert.up.weight = expert.down.weight = "blk.0.ffn_down_exps.weight";
  }
  Graph uneven = apart.graph;
  run_passes(apart.graph);
  EXPECT_THAT(tests::error_of([&] { require_kernels(apart.graph, model, 512); }),
              HasSubstr("experts_down: mixture of experts that is not added to its input has no kernel yet"));
  uneven.nodes.back().experts.experts[1].up.view.first = 3;
  run_passes(uneven);
  EXPECT_THAT(tests::error_of([&] { require_kernels(uneven, model, 512); }),
              HasSubstr("experts_gate: experts of different shapes has no kernel yet"));
}

}  // namespace
}  // namespace burin::graph
