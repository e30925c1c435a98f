// Layers and traces put together where they are alike.
#include "graph/layer_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/trace_groups.hpp"
#include "graph/units.hpp"
#include "tests/graph/plan_queries.hpp"

namespace burin::graph {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Step step(std::string name, std::string kernel = "k") {
  Step made;
  made.name = std::move(name);
  made.kernel = std::move(kernel);
  return made;
}

TEST(LayerGroups, AlikeLayersAreShownOnce) {
  const Program program = {step("embed"),      step("blk.0.a"), step("blk.0.b"), step("blk.1.a", "other"),
                           step("blk.1.b"),    step("blk.2.a"), step("blk.2.b"), step("blk.3.a"),
                           step("output_norm")};
  const std::vector<LayerGroup> groups = group_layers(program);
  ASSERT_EQ(groups.size(), 5u);
  EXPECT_THAT(groups[0].layers, IsEmpty());
  EXPECT_THAT(groups[0].steps, ElementsAre(0));
  EXPECT_THAT(groups[1].layers, ElementsAre(0, 2));
  EXPECT_THAT(groups[1].steps, ElementsAre(1, 2));
  EXPECT_THAT(groups[2].layers, ElementsAre(1));
  EXPECT_THAT(groups[3].layers, ElementsAre(3)) << "a step is missing";
  EXPECT_THAT(groups[4].steps, ElementsAre(8));
}

TEST(LayerGroups, BarriersAndBlocksMakeADifference) {
  Program program = {step("blk.0.a"), step("blk.1.a"), step("blk.2.a"), step("blk.3.a")};
  program[0].barrier = program[1].barrier = program[2].barrier = true;
  EXPECT_EQ(group_layers(program).size(), 1u) << "the end of a program is a barrier";
  program[1].barrier = false;
  program[2].last_block = 7;
  EXPECT_EQ(group_layers(program).size(), 3u);
}

TEST(LayerGroups, NamesTellTheLayer) {
  EXPECT_EQ(name_in_layer("blk.12.ffn_down.prepare").layer, 12);
  EXPECT_EQ(name_in_layer("blk.12.ffn_down.prepare").name, "ffn_down.prepare");
  EXPECT_EQ(name_in_layer("model.layers.7.mlp.experts.3.up").layer, 7);
  EXPECT_EQ(name_in_layer("model.layers.7.mlp.experts.3.up").name, "mlp.experts.3.up");
  for (const char* name :
       {"", "output", "blk.", "blk.x.a", "blk.3", "blk.3.", "blk.-3.a", "blk.3x.a", "blk.99999999999.a"}) {
    EXPECT_EQ(name_in_layer(name).layer, -1) << name;
    EXPECT_EQ(name_in_layer(name).name, name);
  }
}

TEST(LayerGroups, NumbersAreAbbreviated) {
  EXPECT_EQ(numbers_text({0, 1, 2, 3}), "0-3");
  EXPECT_EQ(numbers_text({4}), "4");
  EXPECT_EQ(numbers_text({0, 1, 2, 5, 7, 8}), "0-2, 5, 7-8");
  EXPECT_EQ(numbers_text({1, 3, 5, 7}), "1, 3, ..., 7");
  EXPECT_EQ(numbers_text({1, 3, 5}), "1, 3, 5");
  EXPECT_EQ(numbers_text({1, 3, 5, 8}), "1, 3, 5, 8");
}

TEST(TraceGroups, SameReasonsAreToldOnce) {
  const Trace trace = {{"norm", "blk.0.n", true, ""},
                       {"norm", "blk.1.n", false, "used by blk.1.add"},
                       {"norm", "blk.2.n", false, "used by blk.2.add"},
                       {"norm", "output_norm", true, ""},
                       {"residual", "blk.0.n", true, ""}};
  const std::vector<TraceGroup> groups = group_trace(trace);
  ASSERT_EQ(groups.size(), 4u);
  EXPECT_THAT(groups[0].layers, ElementsAre(0));
  EXPECT_THAT(groups[1].layers, ElementsAre(1, 2));
  EXPECT_EQ(groups[1].reason, "used by add");
  EXPECT_EQ(groups[2].node, "output_norm");
  EXPECT_EQ(groups[3].pass, "residual");
}

TEST(Units, ThreeDigitsThatCount) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(bytes_text(1023.9 * 1024), "1.00 MiB");
  EXPECT_EQ(bytes_text(5.5e12), "5.00 TiB");
  EXPECT_EQ(seconds_text(0), "0.00 ns");
  EXPECT_EQ(seconds_text(1.5e-7), "150 ns");
  EXPECT_EQ(seconds_text(12.34e-6), "12.3 us");
  EXPECT_EQ(seconds_text(0.5), "500 ms");
  EXPECT_EQ(seconds_text(61), "61.0 s");
  EXPECT_EQ(rate_text(512, 0.0625), "8192 tokens/s");
  EXPECT_EQ(rate_text(1, 2), "0.50 tokens/s");
}

}  // namespace
}  // namespace burin::graph
