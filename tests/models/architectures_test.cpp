// Small trained models of every architecture against float64 references: tokens, logits, greedy text, perplexity.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

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

constexpr double kLogitTolerance = 2e-3;  // where the largest |logit| is 10 or more; below that, so much less
constexpr double kMargin = 0.01;          // closer logits may be taken in either order

double largest_of(const std::vector<float>& logits) {
  float largest = 0;
  for (const float logit : logits) largest = std::max(largest, std::fabs(logit));
  return static_cast<double>(largest);
}

// Greedy tokens must be the reference's up to the first one whose margin is small.
void expect_greedy(const std::vector<TokenId>& tokens, const json& expected, const json& margins) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (margins[i].get<double>() <= kMargin) return;
    ASSERT_LT(i, tokens.size());
    ASSERT_EQ(tokens[i], expected[i].get<TokenId>()) << "token " << i;
  }
}

struct ArchFile {
  const char* name;
  bool gguf;
  // The GGUF file turns off the space before the text, which the reference's tokenizer.model adds.
  bool other_prefix = false;

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
  const double tolerance = kLogitTolerance * std::min(1.0, largest_of(logits) / 10);
  for (const jit::Target& target : tests::host_targets()) {
    const auto model = load_model(reference_path(GetParam().path()), {.target = target.name});
    if (!GetParam().other_prefix) {
      EXPECT_EQ(model->tokenizer().encode(expected["prompt"].get<std::string>()),
                expected["tokens"].get<std::vector<TokenId>>());
    }
    const std::vector<float> rows = tests::all_logits(model, expected["tokens"].get<std::vector<TokenId>>());
    ASSERT_EQ(rows.size(), logits.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      ASSERT_NEAR(rows[i], logits[i], tolerance) << target.name << " logit " << i;
    const auto greedy =
        tests::greedy(model, expected["tokens"], static_cast<std::int64_t>(expected["greedy"].size()));
    expect_greedy(greedy.tokens, expected["greedy"], expected["greedy_margin"]);
  }
}

// Decoding runs other kernels than a prompt does.
TEST_P(Architecture, DecodeHasTheLogitsOfThePrefill) {
  BURIN_NEEDS_REFERENCE(GetParam().path());
  const auto tokens = reference()["tokens"].get<std::vector<TokenId>>();
  const auto model = load_model(reference_path(GetParam().path()));
  const std::vector<float> prefill = tests::all_logits(model, tokens);
  const double tolerance = 1e-4 * largest_of(prefill) / 10;
  Session session(model);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    session.evaluate(std::span(tokens).subspan(i, 1));
    const std::span<const float> logits = session.logits();
    for (std::size_t k = 0; k < logits.size(); ++k)
      ASSERT_NEAR(logits[k], prefill[i * logits.size() + k], tolerance) << "token " << i << " logit " << k;
  }
}

// Threads that meet too seldom would read each other's unfinished rows.
TEST_P(Architecture, SameTokensWithAnyNumberOfThreads) {
  BURIN_NEEDS_REFERENCE(GetParam().path());
  const auto prompt = reference()["tokens"].get<std::vector<TokenId>>();
  const auto tokens = [&](int threads) {
    return tests::greedy(load_model(reference_path(GetParam().path()), {.threads = threads}), prompt, 48)
        .tokens;
  };
  const std::vector<TokenId> expected = tokens(1);
  for (const int threads : {2, 3, 5}) EXPECT_EQ(tokens(threads), expected) << threads << " threads";
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
  if (GetParam().other_prefix) GTEST_SKIP() << "skipped: the reference is of other tokens than this file's";
  const json protocol = reference()["perplexity"];
  BURIN_NEEDS_REFERENCE(protocol["text"].get<std::string>());
  const std::string path = reference_path(GetParam().path());
  const double expected = protocol["value"];
  EXPECT_NEAR(perplexity_of(path, protocol, {}), expected, expected * 0.0005);
  const double f16 = perplexity_of(path, protocol, {.kv = KvType::f16});
  EXPECT_NEAR(f16, expected, expected * 0.0005);
  const double bf16 = perplexity_of(path, protocol, {.kv = KvType::bf16});
  EXPECT_NEAR(perplexity_of(path, protocol, {.kv = KvType::int8}), bf16, bf16 * 0.002);
  std::map<KvType, double> of_int8;
  for (const KvType kv : {KvType::f32, KvType::bf16, KvType::int8}) {
    const ModelSettings int8 = {.compute = ComputeType::int8, .kv = kv, .weights = "int8s.g32.f16"};
    of_int8[kv] = perplexity_of(path, protocol, int8);
    EXPECT_NEAR(of_int8[kv], expected, expected * 0.01);
  }
  // Queries are rounded to bytes there, like the keys.
  EXPECT_NEAR(of_int8[KvType::int8], of_int8[KvType::bf16], of_int8[KvType::bf16] * 0.002);
}

// Not among them: what has no kernels yet (tests/graph/lowerable_test.cpp), and falcon-rw, whose reference adds
// ALiBi twice (tests/oracle/architectures_test.cpp).
constexpr ArchFile kFiles[] = {
    {"baichuan-13b", false}, {"baichuan-7b", false}, {"baichuan-7b", true}, {"bloom", false},
    {"bloom", true},         {"chatglm2", false},    {"chatglm2", true},    {"cohere", false},
    {"deepseek-v2", false},  {"dolly-v2", false},    {"falcon-40b", false}, {"falcon-40b", true},
    {"falcon-7b", false},    {"falcon-7b", true},    {"gemma", false},      {"gemma", true, true},
    {"gemma2", false},       {"gemma2", true, true}, {"gemma3", false},     {"gemma3", true, true},
    {"glm4-0414", false},    {"glm4-0414", true},    {"glm4-9b", false},    {"gpt2", false},
    {"gpt2", true},          {"gptj", false},        {"gpt-oss", false},    {"gptneox", false},
    {"gptneox", true},       {"granite", false},     {"llama2", false},     {"llama2", true},
    {"llama3", false},       {"llama3", true},       {"mistral", false},    {"mistral", true},
    {"mixtral", false},      {"mixtral", true},      {"mpt", false},        {"mpt", true},
    {"olmo2", false},        {"opt", false},         {"opt-350m", false},   {"phi2", false},
    {"phi2", true},          {"phi3", false},        {"phi3", true},        {"qwen1", false},
    {"qwen1", true},         {"qwen2", false},       {"qwen2", true},       {"qwen3", false},
    {"qwen3", true},         {"qwen3moe", false},    {"qwen3moe", true},    {"redpajama", false},
    {"smollm3", false},      {"stablelm", false},    {"stablelm", true},    {"starcoder", false},
    {"starcoder", true},     {"starcoder2", false},  {"starcoder2", true}};

INSTANTIATE_TEST_SUITE_P(Files, Architecture, testing::ValuesIn(kFiles),
                         [](const testing::TestParamInfo<ArchFile>& test) {
                           std::string name = test.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name + (test.param.gguf ? "_gguf" : "_hugging_face");
                         });

}  // namespace
}  // namespace burin::runtime
