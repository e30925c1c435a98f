// Small trained models against float64 references: text byte for byte, logits, perplexity.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/perplexity.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using graph::ComputeType;
using graph::KvType;
using nlohmann::json;
using tests::load_model;
using tests::ModelSettings;
using tests::read_floats;
using tests::read_json;
using tests::reference_path;

constexpr double kLogitTolerance = 2e-3;

void expect_top_logits(std::span<const float> logits, const json& top) {
  for (const json& entry : top)
    EXPECT_NEAR(static_cast<double>(logits[entry[0].get<std::size_t>()]), entry[1].get<double>(),
                kLogitTolerance)
        << "token " << entry[0];
}

struct GoldenFile {
  const char* key;
  const char* path;
};
void PrintTo(const GoldenFile& file, std::ostream* out) { *out << file.path; }

class Golden : public testing::TestWithParam<GoldenFile> {};

TEST_P(Golden, GreedyTextIsTheReference) {
  BURIN_NEEDS_REFERENCE(GetParam().path);
  const json golden = read_json(reference_path("golden.json"))[GetParam().key];
  const auto model = load_model(reference_path(GetParam().path),
                                {.compute = ComputeType::automatic, .kv = KvType::automatic});
  if (!golden.contains("prompts")) {  // starts from BOS
    const auto expected = golden["greedy_ids"].get<std::vector<TokenId>>();
    const GenerationResult result = tests::greedy(model, {1}, static_cast<std::int64_t>(expected.size()));
    EXPECT_EQ(result.tokens, expected);
    EXPECT_EQ(result.text, golden["text"].get<std::string>());
    return;
  }
  for (const json& prompt : golden["prompts"]) {
    const auto text = prompt["prompt"].get<std::string>();
    SCOPED_TRACE(text);
    const std::vector<TokenId> ids = model->tokenizer().encode(text);
    EXPECT_EQ(ids, prompt["ids"].get<std::vector<TokenId>>());
    const auto expected = prompt["greedy_ids"].get<std::vector<TokenId>>();
    const GenerationResult result = tests::greedy(model, ids, static_cast<std::int64_t>(expected.size()));
    EXPECT_EQ(result.tokens, expected);
    // The reference decodes with the space that encoding put in front.
    EXPECT_EQ(" " + text + result.text, prompt["text"].get<std::string>());
  }
}

TEST_P(Golden, LogitsAreNear) {
  BURIN_NEEDS_REFERENCE(GetParam().path);
  const json golden = read_json(reference_path("golden.json"))[GetParam().key];
  const auto model = load_model(reference_path(GetParam().path));
  Session session(model);
  if (golden.contains("logits_after")) {
    session.evaluate(golden["logits_after"].get<std::vector<TokenId>>());
    expect_top_logits(session.logits(), golden["top10"]);
    return;
  }
  for (const json& prompt : golden["prompts"]) {
    session.reset();
    session.evaluate(prompt["ids"].get<std::vector<TokenId>>());
    expect_top_logits(session.logits(), prompt["top10"]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, Golden,
    testing::Values(
        GoldenFile{"stories260K/bin", "models/stories260K/stories260K.bin"},
        GoldenFile{"stories260K/gguf", "models/stories260K/stories260K.gguf"},
        GoldenFile{"TinyStories-656K/hf-f32", "models/TinyStories-656K/hf-f32"},
        GoldenFile{"TinyStories-656K/hf-bf16", "models/TinyStories-656K/hf-bf16"},
        GoldenFile{"TinyStories-656K/gguf-f16", "models/TinyStories-656K/gguf/TinyStories-656K.f16.gguf"},
        GoldenFile{"TinyStories-656K/gguf-q8_0", "models/TinyStories-656K/gguf/tinystories-656k-q8_0.gguf"}),
    [](const testing::TestParamInfo<Golden::ParamType>& test) {
      std::string name = test.param.key;
      for (char& c : name)
        if (c == '-' || c == '/') c = '_';
      return name;
    });

}  // namespace
}  // namespace burin::runtime
