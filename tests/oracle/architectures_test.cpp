// Every architecture's graph, executed as it was built and once more after the passes, against float64 logits
// of the original code: all positions, from Hugging Face folders and from GGUF files.
#include "graph/arch/architectures.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "graph/passes/passes.hpp"
#include "tests/oracle/model_tensors.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::tests {
namespace {

struct Reference {
  const char* name;
  bool gguf;

  std::string folder() const { return std::string("arch/") + name; }
  std::string path() const { return gguf ? folder() + "/" + name + ".gguf" : folder(); }
};

void PrintTo(const Reference& reference, std::ostream* out) { *out << reference.path(); }

double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  std::vector<double> differences;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) differences.push_back(a[i] - b[i]);
  return largest_of(differences);
}

// The eager attention of transformers, which made this reference, adds ALiBi to Falcon's scores and, by its
// mask, once more; its other implementations and the published code add it once, and so does our graph.
void add_alibi_twice(graph::Graph& graph) {
  for (graph::Node& node : graph.nodes)
    for (double& slope : node.attention.slopes) slope *= 2;
}

class ArchitectureGraph : public testing::TestWithParam<Reference> {};

TEST_P(ArchitectureGraph, HasTheLogitsOfTheOriginal) {
  BURIN_NEEDS_REFERENCE(GetParam().path());
  const auto file = runtime::ModelFile::open(reference_path(GetParam().path()));
  const auto tokens = read_json(reference_path(GetParam().folder() + "/reference.json"))["tokens"]
                          .get<std::vector<std::int32_t>>();
  const std::vector<float> stored = read_floats(reference_path(GetParam().folder() + "/logits.f32"));
  const std::vector<double> expected(stored.begin(), stored.end());
  ASSERT_GT(largest_of(expected), 1) << "nothing to compare";

  graph::Decoder decoder = graph::build_decoder(file->description());
  if (GetParam().name == std::string_view("falcon-rw")) add_alibi_twice(decoder.graph);
  const std::vector<double> logits = oracle_logits(*file, decoder.graph, tokens);
  const double error = largest_difference(logits, expected);
  EXPECT_LT(error, 1e-3 * std::max(1.0, largest_of(expected) / 10));
  RecordProperty("largest_difference", fmt::format("{:.2e}", error));

  graph::run_passes(decoder.graph);
  EXPECT_LT(largest_difference(oracle_logits(*file, decoder.graph, tokens), logits), 1e-9) << "after passes";
}

constexpr Reference kReferences[] = {
    {"baichuan-13b", false}, {"baichuan-7b", false}, {"baichuan-7b", true}, {"bloom", false},
    {"bloom", true},         {"chatglm2", false},    {"chatglm2", true},    {"cohere", false},
    {"deepseek-v2", false},  {"dolly-v2", false},    {"falcon-40b", false}, {"falcon-40b", true},
    {"falcon-7b", false},    {"falcon-7b", true},    {"falcon-rw", false},  {"gemma", false},
    {"gemma", true},         {"gemma2", false},      {"gemma2", true},      {"gemma3", false},
    {"gemma3", true},        {"glm4-0414", false},   {"glm4-0414", true},   {"glm4-9b", false},
    {"gpt-oss", false},      {"gpt2", false},        {"gpt2", true},        {"gptj", false},
    {"gptneox", false},      {"gptneox", true},      {"granite", false},    {"llama2", false},
    {"llama2", true},        {"llama3", false},      {"llama3", true},      {"mistral", false},
    {"mistral", true},       {"mixtral", false},     {"mixtral", true},     {"mpt", false},
    {"mpt", true},           {"olmo2", false},       {"opt", false},        {"opt-350m", false},
    {"phi2", false},         {"phi2", true},         {"phi3", false},       {"phi3", true},
    {"qwen1", false},        {"qwen1", true},        {"qwen2", false},      {"qwen2", true},
    {"qwen3", false},        {"qwen3", true},        {"qwen3moe", false},   {"qwen3moe", true},
    {"redpajama", false},    {"smollm3", false},     {"stablelm", false},   {"stablelm", true},
    {"starcoder", false},    {"starcoder", true},    {"starcoder2", false}, {"starcoder2", true},
};

INSTANTIATE_TEST_SUITE_P(Files, ArchitectureGraph, testing::ValuesIn(kReferences),
                         [](const testing::TestParamInfo<Reference>& test) {
                           std::string name =
                               test.param.name + std::string(test.param.gguf ? "_gguf" : "_hugging_face");
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace burin::tests
