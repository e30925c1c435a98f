// What has no kernel is refused by name, in one line; what only depends on the length limits the context.
#include "graph/lowerable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "graph/arch/architectures.hpp"
#include "graph/passes/passes.hpp"
#include "tests/graph/made_llama.hpp"
#include "tests/graph/plan_queries.hpp"
#include "tests/support/error_text.hpp"

namespace burin::graph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

Node& first(Graph& graph, Op op) {
  return *std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& n) { return n.op == op; });
}

// Queries and one head of the keys, once more.
void make_latent(Graph& graph) {
  const auto attention = static_cast<std::size_t>(&first(graph, Op::attention) - graph.nodes.data());
  const int size = graph.nodes[attention].attention.head_size;
  Node shared;
  shared.op = Op::linear;
  shared.name = "shared";
  shared.inputs = {graph.nodes[0].output};
  shared.linear.parts = {{"blk.0.attn_k.weight", "", size}};
  shared.output = graph.add_value("shared", size);
  Node& latent = graph.nodes[attention];
  latent.attention.shared_size = size;
  latent.inputs.push_back(latent.inputs[0]);
  latent.inputs.push_back(shared.output);
  graph.nodes.insert(graph.nodes.begin() + 1, std::move(shared));
}

// What is said of a LLaMA in which `change` was made.
std::string error_with(const std::function<void(Graph&)>& change) {
  const ModelDescription model = describe({});
  Graph graph = build_decoder(model).graph;
  change(graph);
  run_passes(graph);
  return tests::error_of([&] { require_kernels(graph, model, 512); });
}

// The node `op` is put behind the embedding.
std::string error_with_node(Op op) {
  return error_with([&](Graph& graph) {
    Node node;
    node.op = op;
    node.name = "extra";
    node.constant = 2;
    node.activation = ActivationFunction::relu;
    node.route.used = 1;
    node.inputs = {graph.nodes[0].output};
    node.output = graph.add_value("extra", graph.width(graph.nodes[0].output));
    for (Node& user : graph.nodes)
      for (ValueId& input : user.inputs)
        if (input == graph.nodes[0].output) input = node.output;
    graph.nodes.insert(graph.nodes.begin() + 1, std::move(node));
  });
}

TEST(RequireKernels, LlamaHasThemAll) {
  EXPECT_EQ(error_with([](Graph&) {}), "no error");
}

TEST(RequireKernels, WhatIsMissingIsNamed) {
  const std::pair<const char*, std::function<void(Graph&)>> cases[] = {
      {"norm over parts of a row", [](Graph& g) { first(g, Op::norm).norm.group = 16; }},
      {"latent attention of another form than DeepSeek-V2's", make_latent},
      {"normalised rows of quantised or merged weights",
       [](Graph& g) { first(g, Op::linear).linear.parts[0].unit_rows = true; }},
      {"matrices of heads that are transposed, outside of latent attention,",
       [](Graph& g) {
         first(g, Op::linear).linear.parts[0].view = {.transposed = true, .slice = kAllSlices};
       }},
      {"other than rotated projections",
       [](Graph& g) {
         first(g, Op::attention).inputs[0] = g.producer(first(g, Op::attention).inputs[0])->inputs[0];
       }},
  };
  for (const auto& [words, change] : cases)
    EXPECT_THAT(error_with(change), AllOf(StartsWith("made.gguf: architecture llama: "), HasSubstr(words),
                                          HasSubstr("has no kernel yet: use a model without it")));
  for (const Op op : {Op::route, Op::scale, Op::clip, Op::soft_cap, Op::activation})
    EXPECT_EQ(error_with_node(op), "no error");
}

ModelDescription windowed(std::int64_t window) {
  MadeLlama made;
  made.origin = Origin::hugging_face;
  ModelDescription model = describe(made);
  model.architecture = "MistralForCausalLM";
  model.config["sliding_window"] = window;
  return model;
}

std::int64_t window_of(const Plan& plan) {
  for (const Step& step : plan.decode)
    if (const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec)) return attention->window;
  return -1;
}

TEST(Planner, WindowsShorterThanTheContextAreInTheKernel) {
  EXPECT_EQ(window_of(plan_of(windowed(128))), 128);
  EXPECT_EQ(window_of(plan_of(windowed(4096))), 0);
}

TEST(RequireKernels, ARotationByLengthLimitsTheDefaultContextOnly) {
  MadeLlama made;
  made.origin = Origin::hugging_face;
  ModelDescription model = describe(made);
  model.config["rope_scaling"] = {
      {"type", "dynamic"}, {"factor", 2}, {"original_max_position_embeddings", 64}};
  EXPECT_EQ(plan_of(model).options.context, 64);
  PlanOptions options;
  options.context = 100;
  const Plan longer = make_plan(model, jit::parse_target("avx2"), options);
  EXPECT_EQ(longer.options.context, 100);
  EXPECT_THAT(longer.notes, testing::Contains(testing::HasSubstr("dynamic NTK")));
}

// Rows of packed tensors go where the parts say.
TEST(Planner, PackedMatricesAreTakenApart) {
  MadeLlama made;
  made.origin = Origin::hugging_face;
  made.layers = 1;
  ModelDescription model = describe(made);
  model.architecture = "Phi3ForCausalLM";
  for (const char* name :
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"})
    remove_tensor(model, std::string("model.layers.0.") + name + ".weight");
  set_tensor(model, "model.layers.0.self_attn.qkv_proj.weight", made.type, {64 + 32 + 32, 64});
  set_tensor(model, "model.layers.0.mlp.gate_up_proj.weight", made.type, {2 * 96, 64});
  const Plan plan = plan_of(model);
  const PackedMatrix& qkv = matrix_of(plan, steps_of(plan.decode, "model.layers.0.attention_qkv").at(0));
  ASSERT_EQ(qkv.tensors.size(), 3u);
  EXPECT_EQ(qkv.tensors[0], qkv.tensors[2]);
  std::vector<int> seen(128, 0);
  for (const kernels::ColumnSource& column : qkv.columns)
    if (column.row >= 0) {
      ++seen.at(static_cast<std::size_t>(column.row));
      EXPECT_EQ(column.matrix, column.row < 64 ? 0 : column.row < 96 ? 1 : 2);
    }
  EXPECT_EQ(seen, std::vector<int>(128, 1));
  const PackedMatrix& gate = matrix_of(plan, steps_of(plan.decode, "model.layers.0.gate_product").at(0));
  EXPECT_EQ(gate.columns[0].row, 0);
  EXPECT_EQ(gate.columns[16].row, 96);
}

}  // namespace
}  // namespace burin::graph
