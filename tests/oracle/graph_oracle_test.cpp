// Operations of the oracle that no reference model has, against numbers worked out by hand.
#include "tests/oracle/graph_oracle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace burin::tests {
namespace {

using graph::Node;
using graph::Op;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

// What a node makes of these rows; with inputs of their own for each row index.
Rows computed(Node node, const Rows& rows, std::int64_t width) {
  graph::Graph graph;
  Node embed;
  embed.op = Op::embed;
  embed.name = "rows";
  embed.embed.table = "rows";
  const graph::ValueId x = graph.add_node(std::move(embed), static_cast<std::int64_t>(rows[0].size()));
  node.name = "node";
  const std::size_t inputs = node.op == Op::attention ? 3 : 1;
  node.inputs.assign(inputs, x);
  graph.logits = graph.add_node(std::move(node), width);
  validate(graph);
  GraphOracle oracle(graph, [&](const std::string&) {
    OracleTensor table = {{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())},
                          {}};
    for (const Row& row : rows) table.values.insert(table.values.end(), row.begin(), row.end());
    return table;
  });
  std::vector<std::int32_t> tokens(rows.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  return oracle.run(tokens);
}

Row computed_row(Node node, const Row& row) {
  return computed(std::move(node), {row}, static_cast<std::int64_t>(row.size()))[0];
}

Node with_constant(Op op, float constant) {
  Node node;
  node.op = op;
  node.constant = constant;
  return node;
}

TEST(GraphOracle, ElementByElement) {
  EXPECT_THAT(computed_row(with_constant(Op::clip, 2), {-3, -1, 0, 5}), ElementsAre(-2, -1, 0, 2));
  EXPECT_THAT(computed_row(with_constant(Op::scale, -0.5f), {-3, 4}), ElementsAre(1.5, -2));
  EXPECT_THAT(computed_row(with_constant(Op::soft_cap, 2), {0, 2, 1e9}),
              Pointwise(DoubleNear(1e-12), {0.0, 2 * std::tanh(1.0), 2.0}));
  Node activation;
  activation.op = Op::activation;
  activation.activation = graph::ActivationFunction::relu_squared;
  EXPECT_THAT(computed_row(activation, {-3, 0, 3}), ElementsAre(0, 0, 9));
}

// Shares 1/10, 2/10, 3/10, 4/10 of four experts.
const Row kLogits = {std::log(1.0), std::log(2.0), std::log(3.0), std::log(4.0)};

TEST(GraphOracle, RoutesToTheLargest) {
  Node node;
  node.op = Op::route;
  node.route.used = 2;
  EXPECT_THAT(computed_row(node, kLogits), Pointwise(DoubleNear(1e-12), {0.0, 0.0, 0.3, 0.4}));
  node.route.normalise = true;
  node.route.scale = 7;
  EXPECT_THAT(computed_row(node, kLogits), Pointwise(DoubleNear(1e-12), {0.0, 0.0, 3.0, 4.0}));
}

TEST(GraphOracle, RoutesWithinTheBestGroups) {
  Node node;
  node.op = Op::route;
  node.route.used = 2;
  node.route.groups = 2;
  const Row crossed = {kLogits[3], kLogits[0], kLogits[2], kLogits[1]};
  EXPECT_THAT(computed_row(node, crossed), Pointwise(DoubleNear(1e-12), {0.4, 0.1, 0.0, 0.0}));
}

// One head of one element: scores are products of the rows.
Node small_attention() {
  Node node;
  node.op = Op::attention;
  node.attention.query_heads = node.attention.kv_heads = node.attention.head_size = 1;
  node.attention.scale = 1;
  return node;
}

TEST(GraphOracle, AttentionSeesItsWindow) {
  Node node = small_attention();
  node.attention.window = 2;
  const Rows rows = computed(node, {{1}, {2}, {3}}, 1);
  EXPECT_DOUBLE_EQ(rows[0][0], 1);
  EXPECT_NEAR(rows[2][0], (2 * std::exp(6.0) + 3 * std::exp(9.0)) / (std::exp(6.0) + std::exp(9.0)), 1e-12);
}

TEST(GraphOracle, QueriesGrowBeyondTheirContext) {
  Node node = small_attention();
  node.attention.log_context = 2;
  const Rows rows = computed(node, {{1}, {1}, {0.5}}, 1);
  const double growth = std::log(3.0) / std::log(2.0);
  const double far = std::exp(0.5 * growth);
  const double near = std::exp(0.25 * growth);
  EXPECT_NEAR(rows[2][0], (2 * far + 0.5 * near) / (2 * far + near), 1e-12);
}

}  // namespace
}  // namespace burin::tests
