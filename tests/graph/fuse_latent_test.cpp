// Latent attention: the pass that absorbs the matrices of keys and values, on one attention of two heads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "graph/passes/passes.hpp"
#include "tests/graph/graph_sketch.hpp"

namespace burin::graph {
namespace {

using testing::ElementsAre;

// Heads with plain parts of 4 and a rotated part of 2; a latent row of 6.
struct LatentSketch : GraphSketch {
  ValueId x = input();

  ValueId rotated(const std::string& name, ValueId of) {
    const ValueId y = rope(name, of, 2);
    node(name).rope.head_size = 2;
    return y;
  }
  // The queries' projections read `q_input`, which is x or a latent row of their own, normalised.
  void attend(ValueId q_input) {
    const ValueId q = linear("q", q_input, 8);
    const ValueId q_rot = rotated("rope_q", linear("q_rot", q_input, 4));
    const ValueId latent = norm("norm", linear("latent", x, 6));
    const ValueId k_rot = rotated("rope_k", linear("k_rot", x, 2));
    const ValueId k = linear("k", latent, 8);
    const ValueId v = linear("v", latent, 8);
    attention("attention", q, k, v);
    Node& attention = node("attention");
    attention.inputs = {q, k, v, q_rot, k_rot};
    attention.attention.kv_heads = 2;
    attention.attention.shared_size = 2;
    graph.logits = linear("o", attention.output);
  }
};

std::string run(LatentSketch& sketch) {
  validate(sketch.graph);
  const std::string before = to_text(sketch.graph);
  Trace trace;
  fuse_latent(sketch.graph, trace);
  validate(sketch.graph);
  EXPECT_EQ(trace.size(), 1u);
  if (!trace.at(0).applied) {
    EXPECT_EQ(to_text(sketch.graph), before) << "a refused graph must stay as it was";
  }
  return trace.at(0).reason;
}

TEST(FuseLatent, HeadsAttendToOneLatentRow) {
  LatentSketch s;
  s.attend(s.x);
  EXPECT_EQ(run(s), "");
  EXPECT_THAT(s.names(),
              ElementsAre("x", "attention_q_kv", "attention_heads", "attention", "attention_values", "o"));
  const LinearAttributes& projections = s.node("attention_q_kv").linear;
  EXPECT_EQ(projections.epilogue, LinearEpilogue::latent);
  ASSERT_EQ(projections.parts.size(), 4u);
  EXPECT_EQ(projections.parts[0].weight, "q.weight");
  EXPECT_EQ(projections.parts[1].weight, "q_rot.weight");
  EXPECT_TRUE(projections.parts[1].rotated);
  EXPECT_EQ(projections.parts[2].weight, "k_rot.weight");
  EXPECT_EQ(projections.parts[3].weight, "latent.weight");
  const LatentAttributes& latent = s.node("attention_heads").latent;
  EXPECT_EQ(latent.keys.weight, "k.weight");
  EXPECT_EQ(latent.norm.weight, "norm.weight");
  EXPECT_EQ(latent.plain_size(), 4);
  EXPECT_EQ(latent.rotated_size(), 2);
  const AttentionAttributes& attention = s.node("attention").attention;
  EXPECT_EQ(attention.kv_heads, 1);
  EXPECT_EQ(attention.head_size, 2 + 6);
  EXPECT_EQ(attention.value_size, 6);
  EXPECT_EQ(s.node("attention_values").linear.heads, 2);
  EXPECT_EQ(s.node("attention_values").linear.parts[0].weight, "v.weight");
  EXPECT_THAT(s.node("o").inputs, ElementsAre(s.node("attention_values").output));
}

TEST(FuseLatent, ALatentRowOfTheQueriesIsMadeWithTheOthers) {
  LatentSketch s;
  s.attend(s.norm("q_norm", s.linear("q_a", s.x, 5)));
  EXPECT_EQ(run(s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "attention_down", "attention_q", "attention_heads", "attention",
                                     "attention_values", "o"));
  const Node& queries = s.node("attention_q");
  EXPECT_TRUE(queries.linear.normed);
  EXPECT_EQ(queries.linear.norm.weight, "q_norm.weight");
  EXPECT_EQ(queries.linear.inputs, 5);
  EXPECT_THAT(queries.inputs, ElementsAre(s.node("attention_down").output));
  EXPECT_THAT(s.node("attention_heads").inputs, ElementsAre(queries.output, s.node("attention_down").output));
}

TEST(FuseLatent, Refusals) {
  const auto refused = [](const std::function<void(LatentSketch&)>& change) {
    LatentSketch s;
    s.attend(s.x);
    change(s);
    return run(s);
  };
  EXPECT_EQ(refused([](LatentSketch& s) { s.node("k").linear.parts[0].bias = "k.bias"; }), "k has a bias");
  EXPECT_EQ(refused([](LatentSketch& s) { s.node("q").linear.factor = 2; }),
            "an input is no plain projection");
  EXPECT_EQ(refused([](LatentSketch& s) { s.node("rope_k").rope.inverse_frequencies = {0.25}; }),
            "Q and K rotate differently");
  EXPECT_EQ(refused([](LatentSketch& s) { s.graph.logits = s.linear("other", s.node("v").output); }),
            "v is used elsewhere");
}

}  // namespace
}  // namespace burin::graph
