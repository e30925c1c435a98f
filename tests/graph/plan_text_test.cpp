// Plans as programs and people read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/graph/plan_queries.hpp"
#include "tests/support/golden_file.hpp"

namespace burin::graph {
namespace {

using kernels::StoredType;
using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// A bit of everything: grouped heads, odd widths, a matrix of another format, a tied head.
Plan tiny_plan() {
  MadeLlama made = typed(StoredType::q4_0);
  made.hidden = 64;
  made.feed_forward = 160;
  made.heads = 8;
  made.kv_heads = 4;
  made.vocabulary = 500;
  made.own_head = false;
  ModelDescription model = describe(made);
  model.path = "tiny-llama.gguf";
  set_type(model, "blk.1.attn_v.weight", StoredType::q8_0);
  PlanOptions options;
  options.compute = ComputeType::int8;
  options.chunk = 128;
  return plan_of(model, options, "icelake-server");
}

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

// The fields that the command's contract names.
TEST(PlanText, JsonHasWhatTheCommandPromises) {
  const Plan plan = tiny_plan();
  const json object = json::parse(to_json(plan).dump());
  EXPECT_EQ(object["layers"], 2);
  EXPECT_EQ(object["barriers_per_layer"], 5);
  EXPECT_EQ(object["arena_bytes"], plan.arena_bytes);
  EXPECT_GT(object["arena_bytes"], 0);
  ASSERT_TRUE(object["steps"].is_array());
  ASSERT_EQ(object["steps"].size(), plan.decode.size() + plan.head_one.size());
  for (const json& step : object["steps"]) {
    for (const char* key : {"kind", "kernel", "reads", "writes", "bytes"})
      EXPECT_THAT(keys_of(step), Contains(key)) << step;
    EXPECT_THAT(step["kernel"].get<std::string>(),
                testing::StartsWith(step["kind"].get<std::string>() + "-"));
    EXPECT_TRUE(step["reads"].is_array());
    ASSERT_EQ(step["writes"].size(), 1u);
    EXPECT_GT(step["bytes"], 0);
    EXPECT_GT(step["seconds"], 0);
    EXPECT_THAT(step["bound"], testing::AnyOf("memory", "arithmetic", "barrier"));
  }
}

// What takes how much of a token adds up.
TEST(PlanText, JsonEstimatesEveryStep) {
  const json object = to_json(tiny_plan());
  EXPECT_EQ(object["limits"]["measured"], false);
  EXPECT_EQ(object["limits"]["source"], "nominal figures of icelake-server, not measured");
  double share = 0;
  double seconds = 0;
  for (const json& step : object["steps"]) {
    share += step["share"].get<double>();
    seconds += step["seconds"].get<double>();
    EXPECT_EQ(step["bytes"], step["weight_bytes"].get<std::uint64_t>() +
                                 step["read_bytes"].get<std::uint64_t>() +
                                 step["written_bytes"].get<std::uint64_t>());
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_NEAR(object["estimate"]["decode_s"].get<double>(), seconds, 1e-12);
  EXPECT_EQ(object["layer_groups"], json::parse("[[0],[1]]")) << "their V has other formats";
}

TEST(PlanText, JsonOfOneStep) {
  const Plan plan = tiny_plan();
  const json steps = to_json(plan)["steps"];
  const auto down =
      std::find_if(steps.begin(), steps.end(), [](const json& s) { return s["name"] == "blk.0.ffn_down"; });
  ASSERT_NE(down, steps.end());
  EXPECT_EQ((*down)["kind"], "gemm");
  EXPECT_EQ((*down)["layer"], 0);
  EXPECT_EQ((*down)["barrier"], true);
  EXPECT_THAT((*down)["reads"], ElementsAre("blk.0.gate_product", "token_embd", "blk.0.ffn_down weights"));
  EXPECT_THAT((*down)["writes"], ElementsAre("token_embd"));
  constexpr std::size_t kWeights = 160 * 64 / 2 + 160 / 32 * 64 * 2;  // nibbles, and an f16 scale per group
  EXPECT_EQ((*down)["weight_bytes"], kWeights);
  EXPECT_EQ((*down)["bytes"], kWeights + (160 + 64 + 64) * sizeof(float));
}

TEST(PlanText, TrafficOfEmbeddingAttentionAndPreparation) {
  const Plan plan = tiny_plan();
  const StepTraffic embed = traffic_of(plan, plan.decode[0], 512);
  EXPECT_EQ(embed.weights, 64u / 2 + 64 / 32 * 2);  // one column of the table
  EXPECT_EQ(embed.written, 64 * sizeof(float));
  const Step attention = steps_of(plan.decode, "blk.0.attention").at(0);
  // 4 KV heads of 8 key and 16 value elements, two bytes each; whole blocks of 64 positions.
  EXPECT_EQ(traffic_of(plan, attention, 65).read - traffic_of(plan, attention, 64).read,
            64u * 4 * (8 + 16) * 2);
  EXPECT_EQ(traffic_of(plan, attention, 65).weights, 0u);
  const Step prepare = steps_of(plan.prefill, "blk.0.ffn_down.prepare").at(0);
  EXPECT_EQ(traffic_of(plan, prepare, 512).written, 320u);  // 5 groups of 40 bytes in an odd number of lines
}

TEST(PlanText, TextTellsNotesRemarksAndRefusals) {
  Plan plan = tiny_plan();
  plan.notes = {"something is slower"};
  plan.remarks = {"something was chosen"};
  plan.trace = {{"norm", "blk.7", false, "it is the result"}};
  const std::string text = to_text(plan);
  EXPECT_THAT(text, HasSubstr("\nnote: something is slower\n"));
  EXPECT_THAT(text, HasSubstr("\nremark: something was chosen\n"));
  EXPECT_THAT(text, HasSubstr("not fused: it is the result"));
  const json object = to_json(plan);
  EXPECT_THAT(object["notes"], ElementsAre("something is slower"));
  EXPECT_EQ(object["trace"][0]["applied"], false);
  EXPECT_EQ(object["trace"][0]["reason"], "it is the result");
}

TEST(PlanText, GoldenPlanOfATinyModel) {
  tests::expect_golden(BURIN_SOURCE_DIR "/tests/graph/golden/tiny-llama.plan.txt", to_text(tiny_plan()),
                       "build/release/bin/graph_test --gtest_filter=*Golden*");
}

}  // namespace
}  // namespace burin::graph
