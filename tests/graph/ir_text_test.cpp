// Graphs as text and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/arch/architectures.hpp"
#include "graph/ir_fields.hpp"
#include "graph/ir_parse.hpp"
#include "graph/passes/passes.hpp"
#include "runtime/files/model_file.hpp"
#include "tests/graph/graph_sketch.hpp"
#include "tests/graph/made_llama.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/mutations.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::graph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

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
  EXPECT_EQ(text_of(embed), "%5[8] n = embed() table=wpe index=position offset=2\n");

  Node norm = made(Op::norm, {0});
  norm.norm = {"w", 1e-5f, NormKind::layer, "b", 1, 4};
  EXPECT_EQ(text_of(norm),
            "%5[8] n = norm(%0) kind=layer weight=w epsilon=1e-05 bias=b weight_offset=1 group=4\n");

  Node linear = made(Op::linear, {0});
  linear.linear.parts = {{"w", "b", 4, {.first = 4, .run = 2, .stride = 6, .transposed = true, .slice = 3}},
                         {"w", "", 4, {.first = 8, .run = 0, .stride = 0, .transposed = false, .slice = 0}}};
  linear.linear.last_row_only = true;
  EXPECT_EQ(text_of(linear),
            "%5[8] n = linear(%0) parts=[{weight=w outputs=4 bias=b view={first=4 run=2 stride=6 "
            "transposed=true slice=3}} {weight=w outputs=4 view={first=8}}] last_row_only=true\n");

  Node rope = made(Op::rope, {0});
  rope.rope = {RotaryStyle::interleaved, 8, 4, {1, 0.5}, "f", 1.25, {64, {0.5, 0.25}, "g", 0, 1, false}};
  EXPECT_EQ(text_of(rope),
            "%5[8] n = rope(%0) style=interleaved head_size=8 rotary=4 frequencies=[1 0.5] factors=f "
            "magnitude=1.25 longer={context=64 frequencies=[0.5 0.25] factors=g}\n");
  rope.rope.longer = {64, {}, "", 10000, 2, true};
  EXPECT_THAT(text_of(rope), HasSubstr("longer={context=64 ntk_base=10000 ntk_factor=2 ntk_doubles=true}\n"));

  Node attention = made(Op::attention, {0, 1, 2});
  attention.attention = {3, 2, 1, 4, 0.5f, {}, 6, 32, 50, {0.5, 0.25}, "s", 128, 2};
  EXPECT_EQ(text_of(attention),
            "%5[8] n = attention(%0, %1, %2) layer=3 query_heads=2 kv_heads=1 head_size=4 scale=0.5 "
            "value_size=6 window=32 soft_cap=50 slopes=[0.5 0.25] sinks=s log_context=128 shared_size=2\n");

  Node heads = made(Op::heads, {0});
  heads.heads.attention = attention.attention;
  heads.heads.normed = true;
  heads.heads.query_norm.weight = "q";
  heads.heads.key_norm.weight = "k";
  EXPECT_THAT(text_of(heads),
              StartsWith("%5[8] n = heads(%0) normed=true query_norm={weight=q} key_norm={weight=k} "
                         "attention={layer=3 query_heads=2 "));

  for (const Op op : {Op::scale, Op::clip, Op::soft_cap}) {
    Node node = made(op, {0});
    node.constant = 2.5f;
    EXPECT_EQ(text_of(node), fmt::format("%5[8] n = {}(%0) constant=2.5\n", name_of(op)));
  }

  Node route = made(Op::route, {0});
  route.route = {2, true, 16, 4, 2};
  EXPECT_EQ(text_of(route), "%5[8] n = route(%0) used=2 normalise=true scale=16 groups=4 groups_used=2\n");

  Node experts = made(Op::experts, {0, 1});
  experts.experts.activation = ActivationFunction::silu;
  experts.experts.limit = 7;
  experts.experts.slope = 1.5f;
  experts.experts.experts = {{{"g", "", 4, {}}, {"u", "", 4, {}}, {"d", "", 8, {}}}};
  EXPECT_EQ(text_of(experts),
            "%5[8] n = experts(%0, %1) activation=silu limit=7 slope=1.5 experts=[{gate={weight=g outputs=4} "
            "up={weight=u outputs=4} down={weight=d outputs=8}}]\n");
}

// Names come from files: any bytes may be in them.
TEST(IrText, OddNamesAreQuoted) {
  GraphSketch sketch;
  const ValueId x = sketch.input();
  const std::string odd = "a b\n{\"c\\\"}=\xff";
  sketch.graph.logits = sketch.clip(odd, x, 2);
  sketch.graph.values.back().name = "%7";
  const std::string text = to_text(sketch.graph);
  EXPECT_THAT(text, HasSubstr("\"a b\\x0a{\\\"c\\\\\\\"}=\xff\" as \"%7\" = clip(%0)"));
  const Graph parsed = parse_graph(text);
  EXPECT_EQ(parsed.nodes.back().name, odd);
  EXPECT_EQ(parsed.values.back().name, "%7");
}

void expect_round_trip(const Graph& graph, const std::string& what) {
  const std::string text = to_text(graph);
  const Graph parsed = parse_graph(text);  // and valid
  EXPECT_EQ(to_text(parsed), text) << what;
  EXPECT_EQ(parsed.nodes.size(), graph.nodes.size()) << what;
  EXPECT_EQ(parsed.logits, graph.logits) << what;
}

// Every field that a struct has is in its list, so a graph is its text. Here: passes go on with it alike.
TEST(IrParse, EveryArchitectureSurvivesBeforeAndAfterPasses) {
  BURIN_NEEDS_REFERENCE("arch");
  for (const auto& entry : std::filesystem::directory_iterator(tests::reference_path("arch"))) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename();
    for (const std::filesystem::path& path : {entry.path(), entry.path() / (name + ".gguf")}) {
      if (!std::filesystem::exists(path)) continue;
      Graph graph = build_decoder(runtime::ModelFile::open(path)->description()).graph;
      expect_round_trip(graph, path);
      Graph parsed = parse_graph(to_text(graph));
      run_passes(graph);
      expect_round_trip(graph, path.string() + " after passes");
      run_passes(parsed);
      EXPECT_EQ(to_text(parsed), to_text(graph)) << path;
    }
  }
}

TEST(IrParse, CommentsAndEmptyLinesSayNothing) {
  const Graph graph = parse_graph("# a graph\n\n  %0[8] x = embed( )\ttable=x.weight \r\nlogits %0");
  EXPECT_EQ(to_text(graph), "%0[8] x = embed() table=x.weight\nlogits %0\n");
}

TEST(IrParse, IllFormedTextIsNamedByLineAndNode) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "graph text: has no line 'logits %ID' at its end"},
      {"x", "graph text: line 2: a node ('%ID[WIDTH] NAME = OP(...) ...') or 'logits %ID' expected at 'x'"},
      {"%1 n", "graph text: line 2: '[' expected at 'n'"},
      {"%9999999[8] n = add(%0, %0)", "graph text: line 2: value %9999999 is none: they are %0 to %1048575"},
      {"%1[8] n = add(%0 %0)", "graph text: line 2: node n: ')' expected at '%0)'"},
      {"%1[8] n = plus(%0)", "graph text: line 2: node n: 'plus' is not known here"},
      {"%1[8] n is m = add(%0)", "graph text: line 2: node n: '=' or 'as' expected at 'is'"},
      {"%1[8] n = clip(%0) limit=1",
       "graph text: line 2: node n: field 'limit' is unknown: there is constant"},
      {"%1[8] n = add(%0, %0) constant=1",
       "graph text: line 2: node n: field 'constant' is unknown: there are none"},
      {"%1[8] n = clip(%0) constant=1 constant=1",
       "graph text: line 2: node n: field 'constant' is there twice"},
      {"%1[8] n = clip(%0) constant=inf",
       "graph text: line 2: node n: field 'constant': 'inf' is not finite"},
      {"%1[8] n = clip(%0) constant=1x",
       "graph text: line 2: node n: field 'constant': '1x' is no number that fits"},
      {"%1[8] n = norm(%0) group=99999999999999999",
       "graph text: line 2: node n: field 'group': '99999999999999999' is too large"},
      {"%1[8] n = linear(%0) normed=1",
       "graph text: line 2: node n: field 'normed': '1' is neither true nor false"},
      {"%1[8] n = linear(%0) parts=[{weight=w view={run=}}]",
       "graph text: line 2: node n: field 'parts': field 'view': field 'run': a name or number expected at "
       "'}}]'"},
      {"%1[8] n = linear(%0) parts=[",
       "graph text: line 2: node n: field 'parts': '{' expected at 'the line's end'"},
      {"%1[8] \"n\\q\" = add(%0)",
       "graph text: line 2: node n: '\\' must be followed by '\\', '\"' or x and two hexadecimal digits"},
      {"%1[8] n = add(%0, %0)\nlogits %0\n%2[8] m = add(%0, %0)",
       "graph text: line 4: a node stands behind 'logits', which must come last"},
      {"logits %3", "graph text: logits are %3, which no node makes"},
      // Well-formed, but no graph.
      {"%1[8] n = add(%0, %2)\nlogits %1", "graph node n: input %2 is used before it is made"},
      {"%1[8] n = scale(%0) constant=2 \nlogits %1\nlogits %1", "graph text: line 4: logits are there twice"},
  };
  for (const auto& bad : cases) {
    const std::string text = std::string("%0[8] x = embed() table=x.weight\n") + bad.first;
    EXPECT_EQ(tests::error_of([&] { parse_graph(text); }), bad.second);
  }
}

TEST(IrParse, DamagedTextsAreGraphsOrErrors) {
  Graph graph = build_decoder(describe({.layers = 1})).graph;
  for (const bool fused : {false, true}) {
    if (fused) run_passes(graph);
    const std::string good = to_text(graph);
    tests::Mutator mutator(good, good.size(), tests::FileKind::json, fused ? 1 : 2);
    int parsed = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::string bad = mutator.next();
      const std::string error = tests::error_of([&] {
        expect_round_trip(parse_graph(bad), bad);
        ++parsed;
      });
      EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    }
    EXPECT_GT(parsed, 10) << "damage must not always be noticed, or little is tested";
    EXPECT_LT(parsed, 2000);
  }
}

}  // namespace
}  // namespace burin::graph
