// Every pass on graphs just large enough: where it fuses, and each reason for which it does not.
#include "graph/passes/passes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/graph/graph_sketch.hpp"

namespace burin::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Pass = void (*)(Graph&, Trace&);

// Runs one pass on a graph with one place to look at; returns why it refused, "" where it fused.
std::string run(Pass pass, GraphSketch& sketch) {
  validate(sketch.graph);
  const std::string before = to_text(sketch.graph);
  Trace trace;
  pass(sketch.graph, trace);
  validate(sketch.graph);
  EXPECT_EQ(trace.size(), 1u);
  if (trace.empty()) return "nothing to look at";
  EXPECT_EQ(trace[0].applied, trace[0].reason.empty());
  if (!trace[0].applied) {
    EXPECT_EQ(to_text(sketch.graph), before) << "a refused graph must stay as it was";
  }
  return trace[0].reason;
}

// --- equal norms

TEST(ShareNorms, EqualNormsOfOneInputBecomeOne) {
  GraphSketch s;
  const ValueId x = s.input();
  const ValueId first = s.norm("first", x);
  const ValueId second = s.norm("second", x);
  s.node("second").norm = s.node("first").norm;
  const ValueId a = s.linear("a", first);
  s.graph.logits = s.sum("sum", a, s.linear("b", second));
  EXPECT_EQ(run(share_norms, s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "first", "a", "b", "sum"));
  EXPECT_THAT(s.node("b").inputs, ElementsAre(first));
}

TEST(ShareNorms, OtherWeightsOrInputsStay) {
  GraphSketch s;
  const ValueId x = s.input();
  const ValueId first = s.norm("first", x);
  const ValueId second = s.norm("second", x);  // of a weight of its own
  const ValueId third = s.norm("third", second);
  s.node("third").norm = s.node("first").norm;
  s.graph.logits = s.sum("sum", s.sum("two", first, second), third);
  Trace trace;
  share_norms(s.graph, trace);
  EXPECT_TRUE(trace.empty());
  EXPECT_THAT(s.names(), ElementsAre("x", "first", "second", "third", "two", "sum"));
}

// --- constant factors

TEST(FoldScale, BecomesAFactorOfWhatMakesItsInput) {
  GraphSketch s;
  const ValueId x = s.scale("twice", s.input(), 2);
  s.graph.logits = s.scale("half", s.scale("third", s.linear("a", x), 0.25f), 0.5f);
  Trace trace;
  fold_scale(s.graph, trace);
  validate(s.graph);
  ASSERT_EQ(trace.size(), 3u);
  for (const TraceLine& line : trace) EXPECT_TRUE(line.applied) << line.reason;
  EXPECT_THAT(s.names(), ElementsAre("x", "a"));
  EXPECT_EQ(s.node("x").embed.factor, 2);
  EXPECT_EQ(s.node("a").linear.factor, 0.125f);
  EXPECT_EQ(s.graph.logits, s.node("a").output);
}

TEST(FoldScale, Refusals) {
  GraphSketch normed;
  normed.graph.logits = normed.scale("scale", normed.norm("norm", normed.input()), 2);
  EXPECT_EQ(run(fold_scale, normed), "norm is no plain linear or embed node");

  GraphSketch elsewhere;
  const ValueId a = elsewhere.linear("a", elsewhere.input());
  elsewhere.graph.logits = elsewhere.sum("sum", a, elsewhere.scale("scale", a, 2));
  EXPECT_EQ(run(fold_scale, elsewhere), "a is used elsewhere");
}

// The other passes would lose it.
TEST(FoldScale, AScaledLinearNodeIsNoPlainOne) {
  GraphSketch s;
  s.linear("a", s.input());
  EXPECT_TRUE(is_plain_linear(s.graph, 1));
  s.node("a").linear.factor = 2;
  EXPECT_FALSE(is_plain_linear(s.graph, 1));
}

// --- gate product

struct GateSketch : GraphSketch {
  ValueId x = input();
  ValueId gate = linear("gate", x, 6);
  ValueId active = silu("silu", gate);
  ValueId up = linear("up", x, 6);
};

TEST(FuseGateProduct, EitherFactorMayBeActive) {
  for (const bool active_first : {true, false}) {
    GateSketch s;
    const ValueId product =
        active_first ? s.multiply("product", s.active, s.up) : s.multiply("product", s.up, s.active);
    s.graph.logits = s.linear("down", product);
    EXPECT_EQ(run(fuse_gate_product, s), "");
    EXPECT_THAT(s.names(), ElementsAre("x", "product", "down"));
    const LinearAttributes& fused = s.node("product").linear;
    ASSERT_EQ(fused.parts.size(), 2u);
    EXPECT_EQ(fused.parts[0].weight, "gate.weight");
    EXPECT_EQ(fused.parts[1].weight, "up.weight");
    EXPECT_EQ(fused.epilogue, LinearEpilogue::gate);
    EXPECT_EQ(fused.activation, ActivationFunction::silu);
    EXPECT_THAT(s.node("product").inputs, ElementsAre(s.x));
    EXPECT_EQ(s.node("product").output, product);
  }
}

TEST(FuseGateProduct, SeveralInOneGraph) {
  GraphSketch s;
  ValueId x = s.input();
  for (const std::string layer : {"a", "b", "c"}) {
    const ValueId active = s.silu(layer + ".silu", s.linear(layer + ".gate", x));
    x = s.multiply(layer, active, s.linear(layer + ".up", x));
  }
  Trace trace;
  fuse_gate_product(s.graph, trace);
  validate(s.graph);
  EXPECT_THAT(s.names(), ElementsAre("x", "a", "b", "c"));
  EXPECT_EQ(trace.size(), 3u);
}

TEST(FuseGateProduct, Refusals) {
  GateSketch none;
  none.multiply("product", none.gate, none.up);
  EXPECT_EQ(run(fuse_gate_product, none), "no factor is an activation");

  GateSketch no_linear;
  no_linear.multiply("product", no_linear.active, no_linear.norm("norm", no_linear.up));
  EXPECT_EQ(run(fuse_gate_product, no_linear), "gate or up is no plain linear node");

  GateSketch normed;
  normed.set_normed("up");
  normed.multiply("product", normed.active, normed.up);
  EXPECT_EQ(run(fuse_gate_product, normed), "gate or up is no plain linear node");

  GateSketch inputs;
  inputs.multiply("product", inputs.active, inputs.linear("other", inputs.norm("norm", inputs.x), 6));
  EXPECT_EQ(run(fuse_gate_product, inputs), "gate and up have different inputs");

  for (const auto used : {&GateSketch::gate, &GateSketch::active, &GateSketch::up}) {
    GateSketch elsewhere;
    elsewhere.multiply("product", elsewhere.active, elsewhere.up);
    elsewhere.graph.logits = elsewhere.*used;  // being the result is a use as well
    EXPECT_EQ(run(fuse_gate_product, elsewhere), "gate, up or activation is used elsewhere");
  }
}

// --- QKV

struct AttentionSketch : GraphSketch {
  ValueId x = input();
  ValueId q = linear("q", x, 8);
  ValueId k = linear("k", x, 4);
  ValueId v = linear("v", x, 4);
  ValueId rotated_q = rope("rope_q", q);
  ValueId rotated_k = rope("rope_k", k);
};

TEST(FuseQkvRope, ThreeProjectionsBecomeOne) {
  AttentionSketch s;
  s.graph.logits = s.attention("attention", s.rotated_q, s.rotated_k, s.v);
  EXPECT_EQ(run(fuse_qkv_rope, s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "attention_qkv", "attention"));
  const Node& fused = s.node("attention_qkv");
  ASSERT_EQ(fused.linear.parts.size(), 3u);
  EXPECT_EQ(fused.linear.parts[0].weight, "q.weight");
  EXPECT_EQ(fused.linear.parts[1].weight, "k.weight");
  EXPECT_EQ(fused.linear.parts[2].weight, "v.weight");
  EXPECT_EQ(fused.linear.epilogue, LinearEpilogue::rope_kv);
  EXPECT_EQ(fused.linear.attention.kv_heads, 1);
  EXPECT_EQ(fused.linear.attention.rope.rotary, 4);
  EXPECT_THAT(fused.inputs, ElementsAre(s.x));
  EXPECT_THAT(s.node("attention").inputs, ElementsAre(fused.output));
}

TEST(FuseQkvRope, SeveralInOneGraph) {
  GraphSketch s;
  ValueId x = s.input();
  for (const std::string layer : {"a", "b"}) {
    const ValueId q = s.rope(layer + ".rope_q", s.linear(layer + ".q", x));
    const ValueId k = s.rope(layer + ".rope_k", s.linear(layer + ".k", x, 4));
    x = s.attention(layer, q, k, s.linear(layer + ".v", x, 4));
  }
  Trace trace;
  fuse_qkv_rope(s.graph, trace);
  validate(s.graph);
  EXPECT_THAT(s.names(), ElementsAre("x", "a_qkv", "a", "b_qkv", "b"));
}

TEST(FuseQkvRope, ProjectionsMustBePlainAndUsedOnce) {
  AttentionSketch no_linear;
  no_linear.attention("attention", no_linear.rotated_q, no_linear.rotated_k,
                      no_linear.silu("silu", no_linear.v));
  EXPECT_EQ(run(fuse_qkv_rope, no_linear), "an input is no plain projection");

  AttentionSketch merged;  // two matrices in one node
  merged.node("v").linear.parts = {{"v0.weight", "", 2}, {"v1.weight", "", 2}};
  merged.attention("attention", merged.rotated_q, merged.rotated_k, merged.v);
  EXPECT_EQ(run(fuse_qkv_rope, merged), "an input is no plain projection");

  AttentionSketch normed;  // the fused node would forget the norm
  for (const char* name : {"q", "k", "v"}) normed.set_normed(name);
  normed.attention("attention", normed.rotated_q, normed.rotated_k, normed.v);
  EXPECT_EQ(run(fuse_qkv_rope, normed), "an input is no plain projection");

  AttentionSketch inputs;
  inputs.attention("attention", inputs.rotated_q, inputs.rotated_k,
                   inputs.linear("w", inputs.norm("norm", inputs.x), 4));
  EXPECT_EQ(run(fuse_qkv_rope, inputs), "projections have different inputs");

  for (const auto used : {&AttentionSketch::q, &AttentionSketch::k, &AttentionSketch::v}) {
    AttentionSketch elsewhere;
    elsewhere.attention("attention", elsewhere.rotated_q, elsewhere.rotated_k, elsewhere.v);
    elsewhere.graph.logits = elsewhere.*used;
    EXPECT_THAT(run(fuse_qkv_rope, elsewhere), HasSubstr("is used elsewhere"));
  }
}

TEST(FuseQkvRope, QueriesAndKeysMustRotateAlike) {
  GraphSketch plain;
  const ValueId x = plain.input();
  const ValueId q = plain.linear("q", x);
  const ValueId k = plain.linear("k", x, 4);
  plain.attention("attention", q, k, plain.linear("v", x, 4));
  EXPECT_EQ(run(fuse_qkv_rope, plain), "");  // no rotation at all
  EXPECT_EQ(plain.node("attention_qkv").linear.attention.rope.rotary, 0);

  AttentionSketch keys;
  keys.attention("attention", keys.linear("other_q", keys.x), keys.rotated_k, keys.v);
  EXPECT_EQ(run(fuse_qkv_rope, keys), "not exactly Q and K are rotated");

  AttentionSketch values;
  values.attention("attention", values.rotated_q, values.rotated_k, values.rope("rope_v", values.v));
  EXPECT_EQ(run(fuse_qkv_rope, values), "not exactly Q and K are rotated");

  AttentionSketch differently;
  differently.node("rope_k").rope.style = RotaryStyle::interleaved;
  differently.attention("attention", differently.rotated_q, differently.rotated_k, differently.v);
  EXPECT_EQ(run(fuse_qkv_rope, differently), "Q and K rotate differently");

  for (const auto used : {&AttentionSketch::rotated_q, &AttentionSketch::rotated_k}) {
    AttentionSketch elsewhere;
    elsewhere.attention("attention", elsewhere.rotated_q, elsewhere.rotated_k, elsewhere.v);
    elsewhere.norm("other", elsewhere.*used);
    EXPECT_THAT(run(fuse_qkv_rope, elsewhere), HasSubstr("is used elsewhere"));
  }
}

struct NormedSketch : GraphSketch {
  ValueId x = input();
  ValueId v = linear("v", x, 4);
  ValueId q = rope("rope_q", norm("norm_q", linear("q", x, 8)));
  ValueId k = rope("rope_k", norm("norm_k", linear("k", x, 4)));
};

TEST(FuseQkvRope, NormsOfQueriesAndKeysStandBetween) {
  NormedSketch s;
  s.graph.logits = s.attention("attention", s.q, s.k, s.v);
  EXPECT_EQ(run(fuse_qkv_rope, s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "attention_qkv", "attention_heads", "attention"));
  EXPECT_EQ(s.node("attention_qkv").linear.epilogue, LinearEpilogue::qkv);
  const HeadsAttributes& heads = s.node("attention_heads").heads;
  EXPECT_TRUE(heads.normed);
  EXPECT_EQ(heads.query_norm.weight, "norm_q.weight");
  EXPECT_EQ(heads.key_norm.weight, "norm_k.weight");
  EXPECT_EQ(heads.attention.rope.rotary, 4);
  EXPECT_THAT(s.node("attention").inputs, ElementsAre(s.node("attention_heads").output));
}

TEST(FuseQkvRope, NormsMustBeOfOneKind) {
  NormedSketch kinds;
  kinds.node("norm_k").norm.kind = NormKind::layer;
  kinds.attention("attention", kinds.q, kinds.k, kinds.v);
  EXPECT_EQ(run(fuse_qkv_rope, kinds), "Q and K have norms of different kinds");

  AttentionSketch one;
  one.attention("attention", one.rope("rope", one.norm("norm", one.linear("p", one.x))), one.rotated_k,
                one.v);
  EXPECT_EQ(run(fuse_qkv_rope, one), "neither are Q and K normalised nor all three clipped");
}

TEST(FuseQkvRope, ClipsStandBetweenWhereAllAreAlike) {
  for (const float limit_of_v : {2.0f, 3.0f}) {
    GraphSketch s;
    const ValueId x = s.input();
    const ValueId q = s.clip("clip_q", s.linear("q", x, 8), 2);
    const ValueId k = s.clip("clip_k", s.linear("k", x, 4), 2);
    s.graph.logits = s.attention("attention", q, k, s.clip("clip_v", s.linear("v", x, 4), limit_of_v));
    EXPECT_EQ(run(fuse_qkv_rope, s),
              limit_of_v == 2 ? "" : "neither are Q and K normalised nor all three clipped");
    if (limit_of_v == 2) {
      EXPECT_EQ(s.node("attention_heads").heads.limit, 2);
    }
  }
}

// --- whole heads

TEST(SeparateHeads, RotationAndCacheLeaveTheEpilogue) {
  AttentionSketch s;
  s.graph.logits = s.attention("attention", s.rotated_q, s.rotated_k, s.v);
  ASSERT_EQ(run(fuse_qkv_rope, s), "");
  const ValueId queries = s.node("attention_qkv").output;
  EXPECT_EQ(run(separate_heads, s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "attention_qkv", "attention_heads", "attention"));
  const Node& projections = s.node("attention_qkv");
  EXPECT_EQ(projections.linear.epilogue, LinearEpilogue::qkv);
  EXPECT_EQ(s.graph.values.at(static_cast<std::size_t>(projections.output)).width, 16);
  const Node& heads = s.node("attention_heads");
  EXPECT_EQ(heads.op, Op::heads);
  EXPECT_FALSE(heads.heads.normed);
  EXPECT_EQ(heads.heads.limit, 0);
  EXPECT_EQ(heads.heads.attention.kv_heads, 1);
  EXPECT_EQ(heads.heads.attention.rope.rotary, 4);
  EXPECT_THAT(heads.inputs, ElementsAre(projections.output));
  EXPECT_EQ(heads.output, queries);
  EXPECT_THAT(s.node("attention").inputs, ElementsAre(queries));
}

TEST(SeparateHeads, SeparateOnesStay) {
  NormedSketch s;
  s.graph.logits = s.attention("attention", s.q, s.k, s.v);
  ASSERT_EQ(run(fuse_qkv_rope, s), "");
  const std::string before = to_text(s.graph);
  Trace trace;
  separate_heads(s.graph, trace);
  EXPECT_TRUE(trace.empty());
  EXPECT_EQ(to_text(s.graph), before);
}

// --- activation

TEST(FuseActivation, GoesIntoThePlainLinearNodeBeforeIt) {
  GraphSketch s;
  s.graph.logits = s.silu("silu", s.linear("up", s.input()));
  EXPECT_EQ(run(fuse_activation, s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "up"));
  EXPECT_EQ(s.node("up").linear.epilogue, LinearEpilogue::activate);
  EXPECT_EQ(s.node("up").linear.activation, ActivationFunction::silu);
  EXPECT_EQ(s.node("up").output, s.graph.logits);
}

TEST(FuseActivation, OthersStay) {
  GraphSketch no_linear;
  no_linear.graph.logits = no_linear.silu("silu", no_linear.input());
  EXPECT_THAT(run(fuse_activation, no_linear), HasSubstr("is no plain linear node"));

  GraphSketch elsewhere;
  const ValueId up = elsewhere.linear("up", elsewhere.input());
  elsewhere.graph.logits = elsewhere.multiply("product", up, elsewhere.silu("silu", up));
  EXPECT_EQ(run(fuse_activation, elsewhere), "up is used elsewhere");
}

// --- norm

TEST(FuseNorm, GoesIntoAllItsUsers) {
  GraphSketch s;
  const ValueId x = s.input();
  const ValueId normed = s.norm("norm", x);
  const ValueId a = s.linear("a", normed);
  s.graph.logits = s.multiply("product", a, s.linear("b", normed));
  EXPECT_EQ(run(fuse_norm, s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "a", "b", "product"));
  for (const char* name : {"a", "b"}) {
    EXPECT_THAT(s.node(name).inputs, ElementsAre(x));
    EXPECT_TRUE(s.node(name).linear.normed);
    EXPECT_EQ(s.node(name).linear.norm.weight, "norm.weight");
    EXPECT_EQ(s.node(name).linear.norm.epsilon, 1e-5f);
  }
}

TEST(FuseNorm, Refusals) {
  GraphSketch result;
  result.graph.logits = result.norm("norm", result.input());
  EXPECT_EQ(run(fuse_norm, result), "it is the result");

  GraphSketch added;
  const ValueId x = added.input();
  const ValueId normed = added.norm("norm", x);
  added.sum("sum", added.linear("a", normed), normed);
  EXPECT_EQ(run(fuse_norm, added), "used by sum, which is no plain linear node");

  GraphSketch twice;
  twice.linear("a", twice.norm("norm", twice.input()));
  twice.set_normed("a");
  EXPECT_EQ(run(fuse_norm, twice), "used by a, which is no plain linear node");

  GraphSketch residual;  // the norm is what is added, not what is multiplied
  const ValueId y = residual.input();
  const ValueId summand = residual.norm("norm", y);
  residual.linear("a", y);
  residual.node("a").linear.epilogue = LinearEpilogue::add;
  residual.node("a").inputs.push_back(summand);
  EXPECT_EQ(run(fuse_norm, residual), "used by a, which is no plain linear node");
}

// --- residual

TEST(FuseResidual, EitherSummandMayBeLinear) {
  for (const bool linear_first : {true, false}) {
    GraphSketch s;
    const ValueId x = s.input();
    const ValueId y = s.linear("a", s.norm("norm", x));
    s.graph.logits = linear_first ? s.sum("sum", y, x) : s.sum("sum", x, y);
    EXPECT_EQ(run(fuse_residual, s), "");
    EXPECT_THAT(s.names(), ElementsAre("x", "norm", "a"));
    EXPECT_EQ(s.node("a").linear.epilogue, LinearEpilogue::add);
    EXPECT_EQ(s.node("a").inputs.back(), x);
    EXPECT_EQ(s.node("a").output, s.graph.logits);
  }
}

TEST(FuseResidual, Refusals) {
  GraphSketch none;
  const ValueId x = none.input();
  none.sum("sum", x, none.norm("norm", x));
  EXPECT_EQ(run(fuse_residual, none), "no summand is a plain linear node");

  GraphSketch taken;
  const ValueId y = taken.input();
  taken.linear("a", y);
  taken.node("a").linear.epilogue = LinearEpilogue::add;
  taken.node("a").inputs.push_back(y);
  taken.sum("sum", y, taken.node("a").output);
  EXPECT_EQ(run(fuse_residual, taken), "no summand is a plain linear node");

  GraphSketch elsewhere;
  const ValueId z = elsewhere.input();
  elsewhere.graph.logits = elsewhere.linear("a", z);
  elsewhere.sum("sum", z, elsewhere.graph.logits);
  EXPECT_EQ(run(fuse_residual, elsewhere), "a is used elsewhere");
}

TEST(FuseResidual, ALinearNodeMovesBehindTheOtherSummand) {
  GraphSketch s;
  const ValueId x = s.input();
  const ValueId early = s.linear("a", x);
  const ValueId late = s.norm("norm", x);
  s.graph.logits = s.sum("sum", early, late);
  EXPECT_EQ(run(fuse_residual, s), "");
  EXPECT_THAT(s.names(), ElementsAre("x", "norm", "a"));
  EXPECT_EQ(s.node("a").inputs.back(), late);
  EXPECT_EQ(s.node("a").output, s.graph.logits);
}

// --- all of them

TEST(RunPasses, AWholeLayerBecomesFiveNodes) {
  GraphSketch s;
  const ValueId x = s.input();
  const ValueId n1 = s.norm("n1", x);
  const ValueId q = s.rope("rope_q", s.linear("q", n1));
  const ValueId k = s.rope("rope_k", s.linear("k", n1, 4));
  const ValueId mixed = s.attention("attention", q, k, s.linear("v", n1, 4));
  const ValueId y = s.sum("r1", x, s.linear("o", mixed));
  const ValueId n2 = s.norm("n2", y);
  const ValueId active = s.silu("silu", s.linear("gate", n2, 6));
  const ValueId product = s.multiply("product", active, s.linear("up", n2, 6));
  s.graph.logits = s.sum("r2", y, s.linear("down", product));
  for (const TraceLine& line : run_passes(s.graph))
    EXPECT_TRUE(line.applied) << line.pass << ": " << line.reason;
  EXPECT_EQ(
      to_text(s.graph),
      "%0[8] x = embed() table=x.weight\n"
      "%3[8] attention_qkv as rope_q = linear(%0) normed=true norm={weight=n1.weight epsilon=1e-05}"
      " parts=[{weight=q.weight outputs=8} {weight=k.weight outputs=4} {weight=v.weight outputs=4}]"
      " epilogue=rope_kv attention={query_heads=2 kv_heads=1 head_size=4"
      " rope={head_size=4 rotary=4 frequencies=[0.5 0.5]}}\n"
      "%7[8] attention = attention(%3) query_heads=2 kv_heads=1 head_size=4\n"
      "%9[8] o as r1 = linear(%7, %0) parts=[{weight=o.weight outputs=8}] epilogue=add\n"
      "%14[6] product = linear(%9) normed=true norm={weight=n2.weight epsilon=1e-05}"
      " parts=[{weight=gate.weight outputs=6} {weight=up.weight outputs=6}] epilogue=gate activation=silu\n"
      "%16[8] down as r2 = linear(%14, %9) parts=[{weight=down.weight outputs=8}] epilogue=add\n"
      "logits %16\n");
}

}  // namespace
}  // namespace burin::graph
