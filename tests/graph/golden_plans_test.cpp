// The plan of every architecture for two targets, from descriptions kept in tests/graph/architectures. A changed plan
// shows in review: BURIN_BLESS=1 graph_test --gtest_filter=*Golden* writes all files anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "jit/error.hpp"
#include "runtime/files/model_file.hpp"
#include "tests/graph/described_model.hpp"
#include "tests/graph/plan_outline.hpp"
#include "tests/graph/plan_queries.hpp"
#include "tests/support/golden_file.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::graph {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kDescriptions = BURIN_SOURCE_DIR "/tests/graph/architectures";
const fs::path kPlans = BURIN_SOURCE_DIR "/tests/graph/golden/architectures";
// AVX2 only, and AVX-512 with VNNI.
constexpr const char* kTargets[] = {"haswell", "icelake-server"};

void expect_golden(const fs::path& path, const std::string& text) {
  tests::expect_golden(path, text, "build/release/bin/graph_test --gtest_filter=*Golden*");
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Matrices of layers quantised as most models are.
PlanOptions quantised() {
  PlanOptions options;
  options.weights = kernels::WeightFormat::integer_format(4, true, 32, kernels::ScaleType::f16);
  options.compute = ComputeType::int8;
  return options;
}

// What there is no kernel for says so instead.
std::string outline_for(const ModelDescription& model, const char* target) {
  try {
    const Plan plan = plan_of(model, quantised(), target);
    EXPECT_LE(barriers_per_layer(plan), 5) << model.path;
    return outline(plan);
  } catch (const Error& error) {
    return fmt::format("no plan: {}\n", error.what());
  }
}

std::string outlines(const ModelDescription& model) {
  const std::string first = outline_for(model, kTargets[0]);
  const std::string second = outline_for(model, kTargets[1]);
  if (first == second) return fmt::format("for {} and {}: {}", kTargets[0], kTargets[1], first);
  return fmt::format("for {}: {}\nfor {}: {}", kTargets[0], first, kTargets[1], second);
}

TEST(GoldenPlans, EveryArchitectureHasItsPlan) {
  const std::vector<std::string> names = names_in(kDescriptions);
  ASSERT_GE(names.size(), 39u);
  for (const std::string& name : names) {
    const ModelDescription model =
        parse_description(tests::read_bytes(kDescriptions / (name + ".json")), name);
    expect_golden(kPlans / (name + ".txt"), outlines(model));
  }
  EXPECT_EQ(names_in(kPlans), names) << "a golden without a model";
}

void expect_few_barriers(const ModelDescription& model, const char* target, const PlanOptions& options) {
  try {
    EXPECT_LE(barriers_per_layer(plan_of(model, options, target)), 5)
        << model.path << " for " << target << ", KV " << to_text(options.kv) << ", context "
        << options.context;
  } catch (const Error& error) {  // positions that were learned end somewhere
    EXPECT_THAT(std::string(error.what()), HasSubstr("use --context 256"));
  }
}

// How work is split over threads depends on the cache's type, on the context, and on both together.
TEST(GoldenPlans, AtMostFiveBarriersWithAnyCacheAndContext) {
  for (const std::string& name : names_in(kDescriptions)) {
    const ModelDescription model =
        parse_description(tests::read_bytes(kDescriptions / (name + ".json")), name);
    for (const char* target : kTargets)
      for (const KvType kv : {KvType::f32, KvType::f16, KvType::bf16, KvType::int8})
        for (const std::int64_t context : {64, 4096}) {
          PlanOptions options = quantised();
          options.kv = kv;
          options.context = context;
          expect_few_barriers(model, target, options);
        }
  }
}

TEST(GoldenPlans, DescriptionsAreThoseOfTheReferenceModels) {
  BURIN_NEEDS_REFERENCE("arch");
  for (const auto& entry : fs::directory_iterator(tests::reference_path("arch"))) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename();
    const ModelDescription model = runtime::ModelFile::open(entry.path())->description();
    const std::string text = to_json_text(model);
    expect_golden(kDescriptions / (name + ".json"), text);
    EXPECT_EQ(to_json_text(parse_description(text, name)), text);
  }
}

}  // namespace
}  // namespace burin::graph
