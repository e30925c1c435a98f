// The graph as text with every attribute, and what validate() refuses.
#include "graph/ir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/graph/graph_sketch.hpp"
#include "tests/support/error_text.hpp"

namespace burin::graph {
namespace {

using testing::HasSubstr;

Node made(Op op, std::vector<ValueId> inputs = {}) {
  Node node;
  node.op = op;
  node.name = "n";
  node.inputs = std::move(inputs);
  return node;
}

// The line of a node added to a graph with some values.
std::string text_of(Node node) {
  Graph graph;
  for (int i = 0; i < 5; ++i) graph.add_value("v", 8);
  graph.add_node(std::move(node), 8);
  return to_text(graph);
}

TEST(IrText, EveryAttributeIsThere) {
  Node embed = made(Op::embed);
  embed.embed = {"wpe", EmbedIndex::position, 2};
  EXPECT_EQ(text_of(embed), "%5 n = embed() wpe by_position offset=2\n");

  Node norm = made(Op::norm, {0});
  norm.norm = {"w", 1e-5f, NormKind::layer, "b", 1, 4};
  EXPECT_EQ(text_of(norm), "%5 n = norm(%0) layer w eps=1e-05 bias=b weight_offset=1 group=4\n");

  Node linear = made(Op::linear, {0});
  linear.linear.parts = {{"w", "b", 4, {.first = 4, .run = 2, .stride = 6, .transposed = true, .slice = 3}},
                         {"w", "", 4, {.first = 8, .run = 0, .stride = 0, .transposed = false, .slice = 0}}};
  linear.linear.last_row_only = true;
  EXPECT_EQ(text_of(linear),
            "%5 n = linear(%0) w[4 from 4 2 of every 6 transposed slice 3]+b w[4 from 8] last_row_only\n");

  Node rope = made(Op::rope, {0});
  rope.rope = {RotaryStyle::interleaved, 8, 4, {1, 0.5}, "f", 1.25, {64, {0.5, 0.25}, "g", 0, 1, false}};
  EXPECT_EQ(text_of(rope),
            "%5 n = rope(%0) interleaved rotary=4/8 frequencies=[1,0.5] factors=f magnitude=1.25 "
            "longer_than=64 longer_frequencies=[0.5,0.25] longer_factors=g\n");
  rope.rope.longer = {64, {}, "", 10000, 2, true};
  EXPECT_THAT(text_of(rope), HasSubstr("longer_than=64 ntk_base=10000 ntk_factor=2 ntk_doubles\n"));

  Node attention = made(Op::attention, {0, 1, 2});
  attention.attention = {3, 2, 1, 4, 0.5f, {}, 6, 32, 50, {0.5, 0.25}, "s", 128, 2};
  EXPECT_EQ(text_of(attention),
            "%5 n = attention(%0, %1, %2) layer=3 heads=2/1 size=4 scale=0.5 value_size=6 window=32 "
            "soft_cap=50 slopes=[0.5,0.25] sinks=s log_context=128 shared_size=2\n");

  for (const auto& [function, text] :
       {std::pair{ActivationFunction::silu, "silu"}, std::pair{ActivationFunction::gelu_tanh, "gelu_tanh"},
        std::pair{ActivationFunction::gelu_erf, "gelu_erf"}, std::pair{ActivationFunction::relu, "relu"},
        std::pair{ActivationFunction::relu_squared, "relu_squared"}}) {
    Node activation = made(Op::activation, {0});
    activation.activation = function;
    EXPECT_EQ(text_of(activation), std::string("%5 n = activation(%0) ") + text + "\n");
  }
  for (const auto& [op, text] :
       {std::pair{Op::scale, "scale"}, std::pair{Op::clip, "clip"}, std::pair{Op::soft_cap, "soft_cap"}}) {
    Node node = made(op, {0});
    node.constant = 2.5f;
    EXPECT_EQ(text_of(node), std::string("%5 n = ") + text + "(%0) 2.5\n");
  }

  Node route = made(Op::route, {0});
  route.route = {2, true, 16, 4, 2};
  EXPECT_EQ(text_of(route), "%5 n = route(%0) used=2 normalise scale=16 groups=2/4\n");

  Node experts = made(Op::experts, {0, 1});
  experts.experts.activation = ActivationFunction::silu;
  experts.experts.limit = 7;
  experts.experts.slope = 1.5f;
  experts.experts.experts = {{{"g", "", 4, {}}, {"u", "", 4, {}}, {"d", "", 8, {}}}};
  EXPECT_EQ(text_of(experts), "%5 n = experts(%0, %1) silu limit=7 slope=1.5 (g[4] u[4] d[8])\n");
}

// --- validation

std::string error_of(const Graph& graph) {
  return tests::error_of([&] { validate(graph); });
}

struct LayerSketch : GraphSketch {
  ValueId x = input();
  ValueId q = rope("rope_q", linear("q", norm("n", x)));
  ValueId k = rope("rope_k", linear("k", x, 4));
  ValueId v = linear("v", x, 4);
  ValueId mixed = attention("attention", q, k, v);
};

// What validate() says of the sketch once `spoil` has changed the node.
std::string error_after(const std::string& name, const std::function<void(Node&)>& spoil) {
  LayerSketch sketch;
  EXPECT_EQ(error_of(sketch.graph), "no error");
  spoil(sketch.node(name));
  return error_of(sketch.graph);
}

TEST(IrValidation, IllFormedNodesAreNamed) {
  const std::tuple<const char*, std::function<void(Node&)>, const char*> cases[] = {
      {"x", [](Node& n) { n.embed.table.clear(); }, "has no table"},
      {"x", [](Node& n) { n.embed.offset = -1; }, "offset is negative"},
      {"n", [](Node& n) { n.inputs.clear(); }, "has no input"},
      {"n", [](Node& n) { n.norm.weight.clear(); }, "norm has no weight"},
      {"n", [](Node& n) { n.norm.epsilon = -1; }, "negative epsilon"},
      {"n", [](Node& n) { n.norm.group = 3; }, "groups of the norm do not fill the row"},
      {"q", [](Node& n) { n.linear.parts.clear(); }, "needs a weight and an input"},
      {"q", [](Node& n) { n.linear.parts[0].outputs = 6; }, "outputs of the weights and of the node differ"},
      {"q", [](Node& n) { n.linear.parts[0].weight.clear(); }, "has no tensor"},
      {"q", [](Node& n) { n.linear.parts[0].view.first = -1; }, "begins before its tensor"},
      {"q", [](Node& n) { n.linear.parts[0].view.run = 3; }, "runs of a view overlap"},
      {"q", [](Node& n) { n.linear.epilogue = LinearEpilogue::add; }, "linear has 1 inputs: needs 2"},
      {"q", [](Node& n) { n.linear.epilogue = LinearEpilogue::gate; }, "no activation function"},
      {"q", [](Node& n) { n.linear.epilogue = LinearEpilogue::rope_kv; }, "must have Q, K and V"},
      {"rope_q", [](Node& n) { n.rope.rotary = 3; }, "even number within the head"},
      {"rope_q", [](Node& n) { n.rope.rotary = 6; }, "even number within the head"},
      {"rope_q", [](Node& n) { n.rope.head_size = 5; }, "heads do not fill the row"},
      {"rope_q", [](Node& n) { n.rope.magnitude = 0; }, "magnitude is not positive"},
      {"rope_q", [](Node& n) { n.rope.inverse_frequencies.pop_back(); }, "one frequency per rotary pair"},
      {"rope_q", [](Node& n) { n.rope.inverse_frequencies[1] = 0; }, "frequency is not positive"},
      {"rope_q", [](Node& n) { n.rope.longer.context = 9; }, "one frequency per rotary pair"},
      {"attention", [](Node& n) { n.attention.kv_heads = 3; }, "no multiple of KV heads"},
      {"attention", [](Node& n) { n.attention.head_size = 0; }, "heads of no size"},
      {"attention", [](Node& n) { n.attention.value_size = 3; }, "heads do not fill the output"},
      {"attention", [](Node& n) { n.attention.window = -1; }, "is negative"},
      {"attention", [](Node& n) { n.attention.slopes = {1}; }, "one slope per query head"},
      {"attention", [](Node& n) { n.attention.log_context = 1; }, "logarithm"},
      {"attention", [](Node& n) { n.attention.shared_size = 2; }, "attention has 3 inputs: needs 5"},
      {"attention", [](Node& n) { n.inputs[1] = n.inputs[0]; }, "heads do not fill Q, K and V"},
      {"attention", [](Node& n) { n.inputs[1] = 77; }, "input %77 is used before it is made"},
      {"attention", [](Node& n) { n.output = n.inputs[0]; }, "is made twice"},
      {"attention", [](Node& n) { n.output = -4; }, "output %-4 is no value"},
  };
  for (const auto& [name, spoil, words] : cases)
    EXPECT_THAT(error_after(name, spoil),
                testing::AllOf(HasSubstr("graph node " + std::string(name) + ":"), HasSubstr(words)));
}

TEST(IrValidation, ExpertsMustFitTheirWeights) {
  const auto error_with = [](const std::function<void(Node & route, Node & experts)>& spoil) {
    GraphSketch s;
    const ValueId x = s.input();
    Node route = made(Op::route, {s.linear("router", x, 2)});
    route.route.used = 1;
    Node experts = made(Op::experts);
    experts.experts.activation = ActivationFunction::silu;
    experts.experts.experts.assign(2, {{"g", "", 4, {}}, {"u", "", 4, {}}, {"d", "", 8, {}}});
    spoil(route, experts);
    experts.inputs = {x, s.graph.add_node(std::move(route), 2)};
    s.graph.add_node(std::move(experts), 8);
    return error_of(s.graph);
  };
  EXPECT_EQ(error_with([](Node&, Node&) {}), "no error");
  EXPECT_THAT(error_with([](Node& r, Node&) { r.route.used = 3; }), HasSubstr("more experts than there are"));
  EXPECT_THAT(error_with([](Node& r, Node&) { r.route.groups = 3; }), HasSubstr("groups do not fill"));
  EXPECT_THAT(error_with([](Node& r, Node&) { r.route.groups_used = 2; }), HasSubstr("more groups"));
  EXPECT_THAT(error_with([](Node&, Node& e) { e.experts.experts.pop_back(); }), HasSubstr("one weight per"));
  EXPECT_THAT(error_with([](Node&, Node& e) { e.experts.experts[1].up.outputs = 5; }),
              HasSubstr("differ in"));
  EXPECT_THAT(error_with([](Node&, Node& e) { e.experts.experts[1].down.outputs = 7; }),
              HasSubstr("of the node"));
}

TEST(IrValidation, ConstantsMustMakeSense) {
  for (const Op op : {Op::clip, Op::soft_cap, Op::activation, Op::scale}) {
    GraphSketch s;
    Node node = made(op, {s.input()});
    node.constant = op == Op::scale ? std::numeric_limits<float>::infinity() : 0;
    s.graph.add_node(std::move(node), 8);
    EXPECT_THAT(error_of(s.graph), HasSubstr("graph node n: ")) << name_of(op);
  }
}

}  // namespace
}  // namespace burin::graph
