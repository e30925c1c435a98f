// Quantised Hugging Face checkpoints, most made by the real tools, against float64 references of their dequantised
// weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/perplexity.hpp"
#include "tests/support/host_targets.hpp"
#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;
using tests::load_model;
using tests::ModelSettings;
using tests::read_json;
using tests::reference_path;

constexpr double kLogitTolerance = 2e-3;  // relative to the largest |logit| over 10
constexpr float kMargin = 0.01f;          // closer logits may be taken in either order
constexpr std::int64_t kWindow = 256;

class HfQuant : public testing::TestWithParam<const char*> {
 protected:
  static std::string folder() { return std::string("hf-quant/") + GetParam(); }
  static json reference() { return read_json(reference_path(folder() + "/reference.json")); }
};

TEST_P(HfQuant, EveryLogitOnEveryTarget) {
  BURIN_NEEDS_REFERENCE(folder());
  const auto tokens = reference()["tokens"].get<std::vector<TokenId>>();
  const std::vector<float> logits = tests::read_floats(reference_path(folder() + "/logits.f32"));
  double largest = 0;
  for (const float logit : logits) largest = std::max(largest, std::fabs(static_cast<double>(logit)));
  for (const jit::Target& target : tests::host_targets()) {
    const auto model = load_model(reference_path(folder()), {.target = target.name});
    EXPECT_EQ(model->tokenizer().encode(reference()["prompt"].get<std::string>()), tokens);
    const std::vector<float> rows = tests::all_logits(model, tokens);
    ASSERT_EQ(rows.size(), logits.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      ASSERT_NEAR(rows[i], logits[i], kLogitTolerance * largest / 10) << target.name << " logit " << i;
  }
}

// Where the two largest logits are close, either is right, and what follows is another text.
TEST_P(HfQuant, GreedyTokens) {
  BURIN_NEEDS_REFERENCE(folder());
  const json expected = reference();
  auto tokens = expected["tokens"].get<std::vector<TokenId>>();
  Session session(load_model(reference_path(folder())));
  session.evaluate(tokens);
  for (const TokenId wanted : expected["greedy"].get<std::vector<TokenId>>()) {
    std::vector<float> row(session.logits().begin(), session.logits().end());
    const auto best = std::max_element(row.begin(), row.end());
    const auto token = static_cast<TokenId>(best - row.begin());
    std::vector<float> sorted = row;
    std::nth_element(sorted.begin(), sorted.begin() + 1, sorted.end(), std::greater<>());
    if (sorted[0] - sorted[1] < kMargin) return;
    ASSERT_EQ(token, wanted);
    session.evaluate(std::vector<TokenId>{token});
  }
}

TEST_P(HfQuant, Perplexity) {
  BURIN_NEEDS_REFERENCE(folder());
  BURIN_NEEDS_REFERENCE("eval/tinyshakespeare/input.txt");
  const double expected = reference()["perplexity"];
  const std::string text = tests::read_bytes(reference_path("eval/tinyshakespeare/input.txt"));
  const std::string_view last = std::string_view(text).substr(text.size() * 95 / 100);
  const auto model = load_model(reference_path(folder()), {.context = kWindow});
  Session session(model);
  const Perplexity result = perplexity(session, *model, last);
  EXPECT_EQ(result.counted, reference()["perplexity_positions"].get<std::int64_t>());
  EXPECT_NEAR(result.value, expected, expected * 0.0005);
}

TEST_P(HfQuant, SameTokensWithAnyNumberOfThreadsAndRows) {
  BURIN_NEEDS_REFERENCE(folder());
  const auto prompt = reference()["tokens"].get<std::vector<TokenId>>();
  const auto tokens = [&](const ModelSettings& settings) {
    return tests::greedy(load_model(reference_path(folder()), settings), prompt, 24).tokens;
  };
  const std::vector<TokenId> expected = tokens({.threads = 1});
  EXPECT_EQ(tokens({.threads = 3}), expected);
  EXPECT_EQ(tokens({.threads = 2, .chunk = 7}), expected);
}

// Layers take a byte for each weight and little else.
TEST(HfQuantFloat8, HeldAsTheFileHasIt) {
  BURIN_NEEDS_REFERENCE("hf-quant/fp8-block128");
  const auto model = load_model(reference_path("hf-quant/fp8-block128"));
  int matrices = 0;
  for (const graph::PackedMatrix& matrix : model->plan().matrices) {
    if (!matrix.format.is_fp8()) continue;
    EXPECT_EQ(to_text(matrix.format), "e4m3.g128.f32") << matrix.name;
    EXPECT_LE(matrix.shape.total_bytes,
              static_cast<double>(matrix.shape.columns * matrix.shape.padded_inputs) * 1.04)
        << matrix.name;
    ++matrices;
  }
  EXPECT_EQ(matrices,
            4 * json(read_json(reference_path("hf-quant/fp8-block128/config.json")))["num_hidden_layers"]
                    .get<int>());
}

constexpr const char* kFolders[] = {
    "bnb-nf4-dq",          "ct-gptq-w4g128-asym", "fp8-block128",         "ar-mixed",
    "ar-w2g32-asym",       "ar-w4g128-asym-awq",  "ar-w4g32-sym",         "awq-w4g128",
    "gptq-dynamic",        "gptq-w2g32-asym-v2",  "gptq-w3g32-desc-asym", "gptq-w4g128-desc",
    "gptq-w4g32-desc-asym"};

INSTANTIATE_TEST_SUITE_P(Folders, HfQuant, testing::ValuesIn(kFolders),
                         [](const testing::TestParamInfo<const char*>& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace burin::runtime
