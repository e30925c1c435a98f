// burin run --beams, on the demo model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/reference_data.hpp"
#include "tests/support/run_command.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Arguments = std::vector<std::string>;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

CommandResult run_with(const Arguments& options, const std::string& tokens = "24") {
  Arguments arguments = {"run", kDemo, "-p", "ROMEO:\nWhat light", "-n", tokens};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return run_burin(std::move(arguments));
}

json json_with(Arguments options, const std::string& tokens = "24") {
  options.emplace_back("--json");
  const CommandResult result = run_with(options, tokens);
  EXPECT_EQ(result.status, 0) << result.errors;
  return result.status == 0 ? result.json() : json::object();
}

TEST(BeamArguments, OneBeamIsGreedy) {
  const json reference = read_json(BURIN_SOURCE_DIR "/demo/reference.json");
  const json result = json_with({"--beams", "1"}, "96");
  EXPECT_EQ(result["tokens"], reference["greedy"]);
  EXPECT_EQ(result["text"], reference["greedy_text"]);
}

TEST(BeamArguments, PrintTheBestOfAll) {
  const json result = json_with({"--beams", "3"});
  ASSERT_EQ(result["beams"].size(), 3u);
  EXPECT_EQ(result["beams"][0]["text"], result["text"]);
  EXPECT_EQ(result["beams"][0]["tokens"], result["tokens"]);
  EXPECT_EQ(result["beams"][0]["stop_reason"], result["stop_reason"]);
  EXPECT_GE(result["beams"][0]["score"], result["beams"][1]["score"]);
  EXPECT_GE(result["beams"][1]["score"], result["beams"][2]["score"]);
  EXPECT_GT(result["kv_cache_mib"], 0);
  const CommandResult plain = run_with({"--num-beams", "3"});
  EXPECT_EQ(plain.output, result["text"].get<std::string>() + "\n");
  EXPECT_EQ(plain.errors, "");
  EXPECT_FALSE(json_with({"--temp", "0"}).contains("beams"));
}

TEST(BeamArguments, LengthPenaltyDividesScores) {
  const json sums = json_with({"--beams", "2", "--length-penalty", "0"})["beams"];
  const json means = json_with({"--beams", "2"})["beams"];
  const auto length = means[0]["tokens"].size();
  ASSERT_EQ(length, 24u);
  EXPECT_NEAR(sums[0]["score"].get<double>() / 24, means[0]["score"].get<double>(), 1e-9);
}

TEST(BeamArguments, StopTextsEndTexts) {
  const auto text = json_with({"--beams", "2"})["text"].get<std::string>();
  const std::string stop = text.substr(text.size() / 2, 3);
  const json result = json_with({"--beams", "2", "--early-stopping", "--stop", stop});
  EXPECT_EQ(result["stop_reason"], "stop_text");
  EXPECT_EQ(result["text"].get<std::string>().find(stop), std::string::npos);
}

TEST(BeamArguments, WorkBeyondTheContext) {
  const json result = json_with({"--beams", "2", "-c", "32", "--keep", "4", "--min-new-tokens", "60"}, "60");
  EXPECT_EQ(result["tokens"].size(), 60u);
}

TEST(BeamArguments, WrongOnesAreRefusedByName) {
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{"--beams", "0"}, "--beams"},
      {{"--beams", "65"}, "--beams"},
      {{"--beams", "2", "--length-penalty", "nan"}, "length_penalty: nan"},
      {{"--beams", "2", "--length-penalty", "99"}, "--length-penalty"},
      {{"--beams", "2", "--min-new-tokens", "-1"}, "--min-new-tokens"},
      {{"--length-penalty", "2"}, "--length-penalty requires --beams"},
      {{"--early-stopping"}, "--early-stopping requires --beams"},
      {{"--min-new-tokens", "2"}, "--min-new-tokens requires --beams"}};
  for (const auto& [options, names] : cases) {
    const CommandResult result = run_with(options);
    EXPECT_EQ(result.status, 2) << names;
    EXPECT_THAT(result.error_line(), HasSubstr(names));
  }
}

TEST(BeamArguments, SamplingIsRefusedByName) {
  const TemporaryFolder folder;
  const std::string grammar = folder.write("x.gbnf", "root ::= \"x\"").string();
  const std::vector<Arguments> sampling = {{"--temp", "0.5"},
                                           {"--top-k", "5"},
                                           {"--top-p", "0.5"},
                                           {"--min-p", "0.5"},
                                           {"--seed", "5"},
                                           {"--repeat-penalty", "2"},
                                           {"--repeat-last", "2"},
                                           {"--presence-penalty", "2"},
                                           {"--frequency-penalty", "1"},
                                           {"--typical", "0.3"},
                                           {"--xtc-probability", "1"},
                                           {"--xtc-threshold", "0.3"},
                                           {"--dynatemp-range", "0.8"},
                                           {"--dynatemp-exp", "2"},
                                           {"--mirostat", "2"},
                                           {"--mirostat-ent", "1"},
                                           {"--mirostat-lr", "0.9"},
                                           {"--dry-multiplier", "9"},
                                           {"--dry-base", "9"},
                                           {"--dry-allowed-length", "9"},
                                           {"--dry-penalty-last-n", "9"},
                                           {"--dry-sequence-breaker", "x"},
                                           {"--logit-bias", "5+1"},
                                           {"--grammar", "root ::= \"x\""},
                                           {"--grammar-file", grammar},
                                           {"--json-schema", "{}"}};
  for (Arguments options : sampling) {
    const std::string name = options[0];
    options.insert(options.end(), {"--beams", "2"});
    const CommandResult result = run_with(options);
    EXPECT_EQ(result.status, 2) << name;
    EXPECT_THAT(result.error_line(), testing::AllOf(HasSubstr(name), HasSubstr("--beams"))) << name;
  }
}

}  // namespace
}  // namespace burin::tests
