// What validate() refuses.
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
