// Endless sequences against the references: every architecture's cache under the streaming rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/load_model.hpp"
#include "tests/support/reference_data.hpp"

namespace burin::runtime {
namespace {

using nlohmann::json;

constexpr double kSureMargin = 0.02;  // between the best logit and the second best

// A case's name in the list of tests.
std::string name_of(const json& reference) {
  std::string name = reference["model"].get<std::string>() + "_c" + reference["context"].dump() + "_keep" +
                     reference["keep"].dump() + "_discard" + reference["discard"].dump() + "_prompt" +
                     std::to_string(reference["prompt_tokens"].size()) + "_n" + reference["n"].dump();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<json> cases() {
  std::vector<json> all;
  for (const char* file : {"streaming/streaming.json", "streaming/streaming-llama2-long.json"}) {
    const std::filesystem::path path = std::filesystem::path(BURIN_REFERENCE_DATA) / file;
    if (!std::filesystem::exists(path)) continue;
    const json references = tests::read_json(path);
    if (references.is_array())
      all.insert(all.end(), references.begin(), references.end());
    else
      all.push_back(references);
  }
  return all;
}

class Streaming : public testing::TestWithParam<json> {
 protected:
  std::shared_ptr<const Model> model(std::int64_t chunk) const {
    const json& reference = GetParam();
    const std::filesystem::path folder =
        std::filesystem::path(BURIN_REFERENCE_DATA) / "arch" / reference["model"].get<std::string>();
    return tests::load_model(folder.string(),
                             {.chunk = chunk, .context = reference["context"].get<std::int64_t>()});
  }

  SessionOptions options() const {
    return {.endless = true,
            .keep = GetParam()["keep"].get<std::int64_t>(),
            .discard = GetParam()["discard"].get<std::int64_t>()};
  }

  // The ten best logits after `fed` tokens, where the reference has them.
  void check_top(std::int64_t fed, std::span<const float> logits) const {
    for (const json& list : GetParam()["top10"]) {
      if (list.is_null() || list["fed"] != fed) continue;
      for (const json& entry : list["logits"]) {
        const auto expected = entry[1].get<double>();
        EXPECT_NEAR(static_cast<double>(logits[entry[0].get<std::size_t>()]), expected,
                    1e-4 * std::max(1.0, std::fabs(expected)))
            << "token " << entry[0] << " after " << fed;
      }
    }
  }

  void check_best(std::size_t step, std::span<const float> logits) const {
    if (GetParam()["margins"][step].get<double>() < kSureMargin) return;
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    EXPECT_EQ(best, GetParam()["tokens"][step].get<TokenId>()) << "step " << step;
  }
};

TEST_P(Streaming, MatchesReference) {
  for (const std::int64_t chunk : {1, 64}) {
    SCOPED_TRACE("chunk " + std::to_string(chunk));
    Session session(model(chunk), options());
    const auto prompt = GetParam()["prompt_tokens"].get<std::vector<TokenId>>();
    std::int64_t fed = 0;
    const std::function<void(std::span<const float>)> sink = [&](std::span<const float> logits) {
      check_top(++fed, logits);
    };
    session.evaluate(prompt, LogitsWanted::all, &sink);
    const auto tokens = GetParam()["tokens"].get<std::vector<TokenId>>();
    for (std::size_t step = 0; step < tokens.size(); ++step) {
      check_best(step, session.logits());
      session.evaluate({&tokens[step], 1});
      check_top(++fed, session.logits());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(References, Streaming, testing::ValuesIn(cases()),
                         [](const auto& test) { return name_of(test.param); });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Streaming);

}  // namespace
}  // namespace burin::runtime
