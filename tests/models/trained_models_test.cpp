// Small trained models against float64 references: text byte for byte, logits, perplexity.
#include <gtest/gtest.h>

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
constexpr double kMargin = 0.01;  // closer logits may be taken in either order

void expect_top_logits(std::span<const float> logits, const json& top) {
  for (const json& entry : top)
    EXPECT_NEAR(static_cast<double>(logits[entry[0].get<std::size_t>()]), entry[1].get<double>(),
                kLogitTolerance)
        << "token " << entry[0];
}

// Greedy tokens must be the reference's up to the first one whose margin is small.
void expect_greedy(const std::vector<TokenId>& tokens, const json& expected, const json& margins) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (margins[i].get<double>() <= kMargin) return;
    ASSERT_LT(i, tokens.size());
    ASSERT_EQ(tokens[i], expected[i].get<TokenId>()) << "token " << i;
  }
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

struct ArchFile {
  const char* name;
  bool gguf;

  std::string folder() const { return std::string("arch/") + name; }
  std::string path() const { return gguf ? folder() + "/" + name + ".gguf" : folder(); }
};

void PrintTo(const ArchFile& file, std::ostream* out) { *out << file.path(); }

class Architecture : public testing::TestWithParam<ArchFile> {
 protected:
  json reference() const { return read_json(reference_path(GetParam().folder() + "/reference.json")); }
};

TEST_P(Architecture, EveryLogitOnEveryTarget) {
  BURIN_NEEDS_REFERENCE(GetParam().path());
  const json expected = reference();
  const std::vector<float> logits = read_floats(reference_path(GetParam().folder() + "/logits.f32"));
  for (const jit::Target& target : tests::host_targets()) {
    const auto model = load_model(reference_path(GetParam().path()), {.target = target.name});
    EXPECT_EQ(model->tokenizer().encode(expected["prompt"].get<std::string>()),
              expected["tokens"].get<std::vector<TokenId>>());
    const std::vector<float> rows = tests::all_logits(model, expected["tokens"].get<std::vector<TokenId>>());
    ASSERT_EQ(rows.size(), logits.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      ASSERT_NEAR(rows[i], logits[i], kLogitTolerance) << target.name << " logit " << i;
    const auto greedy =
        tests::greedy(model, expected["tokens"], static_cast<std::int64_t>(expected["greedy"].size()));
    expect_greedy(greedy.tokens, expected["greedy"], expected["greedy_margin"]);
  }
}

double perplexity_of(const std::string& path, const json& protocol, const ModelSettings& settings) {
  ModelSettings windows = settings;
  windows.context = protocol["window"];
  const auto model = load_model(path, windows);
  Session session(model);
  const std::string text = tests::read_bytes(reference_path(protocol["text"].get<std::string>()));
  const Perplexity result =
      perplexity(session, *model, std::string_view(text).substr(protocol["from_char"], protocol["chars"]));
  EXPECT_EQ(result.counted, protocol["counted"].get<std::int64_t>());
  return result.value;
}

TEST_P(Architecture, Perplexity) {
  BURIN_NEEDS_REFERENCE(GetParam().path());
  const json protocol = reference()["perplexity"];
  BURIN_NEEDS_REFERENCE(protocol["text"].get<std::string>());
  const std::string path = reference_path(GetParam().path());
  const double expected = protocol["value"];
  EXPECT_NEAR(perplexity_of(path, protocol, {}), expected, expected * 0.0005);
  for (const KvType kv : {KvType::f32, KvType::bf16}) {
    const ModelSettings int8 = {.compute = ComputeType::int8, .kv = kv, .weights = "int8s.g32.f16"};
    EXPECT_NEAR(perplexity_of(path, protocol, int8), expected, expected * 0.01);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Architecture,
                         testing::Values(ArchFile{"llama2", false}, ArchFile{"llama2", true},
                                         ArchFile{"llama3", false}, ArchFile{"llama3", true}),
                         [](const testing::TestParamInfo<ArchFile>& test) {
                           return std::string(test.param.name) +
                                  (test.param.gguf ? "_gguf" : "_hugging_face");
                         });

}  // namespace
}  // namespace burin::runtime
