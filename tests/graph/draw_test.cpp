// Drawings of plans: well-formed whatever a model is called, and with everything on them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "graph/arch/architectures.hpp"
#include "graph/draw/data_flow.hpp"
#include "graph/draw/page.hpp"
#include "graph/draw/partition.hpp"
#include "graph/draw/svg.hpp"
#include "graph/layer_groups.hpp"
#include "jit/error.hpp"
#include "runtime/files/model_file.hpp"
#include "tests/graph/plan_queries.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::graph::draw {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Plan made_plan() {
  PlanOptions options;
  options.compute = ComputeType::int8;
  options.chunk = 128;
  return plan_of(describe(typed(kernels::StoredType::q8_0)), options);
}

std::string page_of(const Plan& plan) { return html_page(plan, nominal_limits(plan.target)); }

// What is wrong with the tags of a page; empty: they match, and '<' and '&' stand for nothing else.
std::string markup_error(std::string_view html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    const std::size_t end = html.find('>', at);
    if (end == std::string_view::npos) return "a tag has no end";
    const std::string_view tag = html.substr(at + 1, end - at - 1);
    at = end;
    if (tag.find('<') != std::string_view::npos) return "'<' inside of a tag: " + std::string(tag);
    const std::string name(tag.substr(0, tag.find_first_of(" \n/", 1)));
    if (name == "!doctype" || name == "meta" || tag.ends_with('/')) continue;
    if (!tag.starts_with('/')) {
      open.push_back(name);
    } else if (open.empty() || "/" + open.back() != name) {
      return name + " does not close " + (open.empty() ? "anything" : open.back());
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back() + " is left open";
}

TEST(MarkupError, IsNoticed) {
  EXPECT_EQ(markup_error("<!doctype html><p class=\"a\">x<br/></p>"), "");
  EXPECT_NE(markup_error("<p><b></p></b>"), "");
  EXPECT_NE(markup_error("<p>"), "");
  EXPECT_NE(markup_error("1 < 2"), "");
}

TEST(Page, HasEveryStepBufferAndFusion) {
  const Plan plan = made_plan();
  const std::string html = page_of(plan);
  EXPECT_EQ(markup_error(html), "");
  for (const Program* program : {&plan.decode, &plan.prefill, &plan.head_one, &plan.head_many})
    for (const Step& step : *program)
      EXPECT_THAT(html,
                  AllOf(HasSubstr(escaped(step.kernel)), HasSubstr(escaped(name_in_layer(step.name).name))));
  for (const TraceLine& line : plan.trace) EXPECT_THAT(html, HasSubstr(name_in_layer(line.node).name));
  for (const Buffer& buffer : plan.buffers)
    EXPECT_THAT(html, HasSubstr(fmt::format("{} rows of {} floats", buffer.rows, buffer.width)));
  EXPECT_THAT(html, AllOf(HasSubstr("nominal figures of icelake-server"), HasSubstr("logarithmic scale"),
                          HasSubstr("linear scale"), HasSubstr("parts of 8 threads")));
}

TEST(Page, NeedsNeitherNetworkNorScript) {
  std::string html = page_of(made_plan());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  const std::string name_space = "http://www.w3.org/2000/svg";
  for (std::size_t at = 0; (at = html.find(name_space)) != std::string::npos;)
    html.erase(at, name_space.size());
  EXPECT_THAT(html, AllOf(Not(HasSubstr("http")), Not(HasSubstr("src=")), Not(HasSubstr("href=")),
                          Not(HasSubstr("url("))));
}

// Paths and names are the model's.
TEST(Page, EscapesWhatModelsSay) {
  const std::string evil = "</title><script>alert(\"&'\")</script>\n";
  Plan plan = made_plan();
  plan.model += evil;
  plan.architecture += evil;
  plan.target.name += evil;
  plan.notes = {evil};
  plan.remarks = {evil};
  plan.trace[0] = {evil, evil, false, evil};
  for (Program* program : {&plan.decode, &plan.prefill, &plan.head_one, &plan.head_many})
    for (Step& step : *program) {
      step.name += evil;
      step.kernel += evil;
    }
  for (Buffer& buffer : plan.buffers) buffer.name += evil;
  const std::string html = page_of(plan);
  EXPECT_EQ(markup_error(html), "");
  EXPECT_THAT(html,
              AllOf(Not(HasSubstr("<script")), HasSubstr("&lt;script&gt;alert(&quot;&amp;&#39;&quot;)")));
}

TEST(Page, DrawsOddSteps) {
  Plan plan = made_plan();
  Step odd;  // nothing read, nothing written, no work
  odd.name = "blk.0.odd";
  odd.spec = kernels::RowwiseSpec{};
  plan.decode.insert(plan.decode.begin() + 1, odd);
  plan.prefill.insert(plan.prefill.begin() + 1, odd);
  EXPECT_EQ(markup_error(page_of(plan)), "");
  plan.decode.clear();
  plan.prefill.clear();
  plan.buffers.resize(static_cast<std::size_t>(plan.logits) + 1);
  EXPECT_EQ(markup_error(page_of(plan)), "");
}

TEST(Page, EveryArchitectureIsDrawn) {
  BURIN_NEEDS_REFERENCE("arch");
  int drawn = 0;
  for (const auto& entry : std::filesystem::directory_iterator(tests::reference_path("arch"))) {
    if (!entry.is_directory()) continue;
    try {
      const Plan plan = plan_of(runtime::ModelFile::open(entry.path())->description());
      EXPECT_EQ(markup_error(page_of(plan)), "") << entry.path();
      ++drawn;
    } catch (const Error&) {  // has no kernels yet
    }
  }
  EXPECT_GT(drawn, 30);
}

TEST(Graphviz, NamesStepsAndBuffers) {
  Plan plan = made_plan();
  plan.model = "a \"quoted\\ name";
  const std::string text = graphviz(plan, nominal_limits(plan.target));
  EXPECT_THAT(text, AllOf(testing::StartsWith("digraph plan {\n  label=\"a \\\"quoted\\\\ name: decode on "),
                          HasSubstr("subgraph cluster_layer_1 {"), HasSubstr("label=\"ffn_down\\ngemm, "),
                          HasSubstr("s0 -> b0;\n"), HasSubstr("b0 -> s1;\n"), testing::EndsWith("}\n")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '{'), std::count(text.begin(), text.end(), '}'));
}

// --- what is drawn

std::vector<std::string> readers_of(const std::vector<const Step*>& steps, const Content& content) {
  std::vector<std::string> names;
  for (const std::size_t reader : content.readers) names.push_back(steps[reader]->name);
  return names;
}

TEST(DataFlow, ContentsLastFromOneWriteToTheNext) {
  const Plan plan = made_plan();
  const std::vector<const Step*> steps = pointers_to(plan.decode);
  const std::vector<Content> contents = contents_of(steps);
  ASSERT_EQ(contents.size(), plan.decode.size()) << "every step writes once";
  EXPECT_EQ(contents[0].writer, 0);
  EXPECT_THAT(readers_of(steps, contents[0]), ElementsAre("blk.0.attention_qkv", "blk.0.attn_output"));
  EXPECT_THAT(readers_of(steps, contents[1]), ElementsAre("blk.0.attention"));
  EXPECT_THAT(readers_of(steps, contents.back()), IsEmpty());
}

TEST(DataFlow, PreparedRowsAreReadByTiles) {
  const Plan plan = made_plan();
  const std::vector<const Step*> steps = pointers_to(plan.prefill);
  for (const Content& content : contents_of(steps)) {
    if (content.buffer != kPreparedRows) continue;
    ASSERT_EQ(content.readers.size(), 1u);
    EXPECT_EQ(steps[static_cast<std::size_t>(content.writer)]->name,
              steps[content.readers[0]]->name + ".prepare");
  }
}

TEST(DataFlow, WhatComesFromBeforeHasNoWriter) {
  Step add;
  add.name = "add";
  add.input = 3;
  add.residual = 5;
  add.output = 3;
  const std::vector<Content> contents = contents_of({&add});
  ASSERT_EQ(contents.size(), 3u);
  EXPECT_EQ(contents[0].writer, kBefore);
  EXPECT_EQ(contents[1].buffer, 5);
  EXPECT_EQ(contents[2].writer, 0);
}

TEST(Partition, SharesAddUp) {
  const Plan plan = made_plan();
  for (const Program* program : {&plan.decode, &plan.prefill})
    for (const Step& step : *program)
      for (const int threads : {1, 3, 64}) {
        const Partition partition = partition_of(step, 7, threads);
        EXPECT_EQ(std::accumulate(partition.shares.begin(), partition.shares.end(), std::int64_t{0}),
                  partition.items);
        EXPECT_EQ(partition.shares.size(), static_cast<std::size_t>(threads));
        EXPECT_GT(partition.items, 0);
        EXPECT_GE(partition.idle(), 0);
      }
}

TEST(Partition, IdleTimeIsWhatTheBusiestThreadHasMore) {
  Step step;
  step.spec = kernels::GemmSpec{};
  step.output = 0;
  step.last_block = 6;
  EXPECT_DOUBLE_EQ(partition_of(step, 1, 3).idle(), 0);
  EXPECT_DOUBLE_EQ(partition_of(step, 1, 4).idle(), 0.25);  // 1, 2, 1, 2
  EXPECT_THAT(partition_of(step, 1, 4).shares, ElementsAre(1, 2, 1, 2));
  EXPECT_EQ(partition_of(step, 1, 4).unit, "column blocks");
}

TEST(Svg, TextsAreEscapedAndCutBetweenCharacters) {
  EXPECT_EQ(escaped("a<b>&\"'\x01\x7f\xc3\xa9"), "a&lt;b&gt;&amp;&quot;&#39;??\xc3\xa9");
  EXPECT_EQ(fitted("short", 1000, 10), "short");
  EXPECT_EQ(fitted("0123456789", 30, 10), "0123\u2026");
  EXPECT_EQ(fitted("012\xc3\xa9"
                   "56789",
                   30, 10),
            "012\u2026")
      << "not half of a character";
  EXPECT_EQ(fitted("0123456789", 5, 10), "");
  Svg svg(10, 10, "<&>");
  svg.rectangle({0, 0, 1, 1}, {.fill = "red"}, "<tip>");
  svg.text(0, 0, "</svg>");
  EXPECT_EQ(markup_error(std::move(svg).finish()), "");
}

}  // namespace
}  // namespace burin::graph::draw
