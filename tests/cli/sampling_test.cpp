// Options of sampling on the command line, on the demo model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/reference_data.hpp"
#include "tests/support/run_command.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using testing::HasSubstr;
using Arguments = std::vector<std::string>;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

CommandResult run_with(const Arguments& options, const std::string& tokens = "48") {
  Arguments arguments = {"run", kDemo, "-p", "ROMEO:", "-n", tokens};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return run_burin(std::move(arguments));
}

std::string text_with(const Arguments& options, const std::string& tokens = "48") {
  const CommandResult result = run_with(options, tokens);
  EXPECT_EQ(result.status, 0) << result.errors;
  return result.output;
}

TEST(SamplingArguments, EachIsHeardAndOffByDefault) {
  const std::string plain = text_with({});
  const std::vector<Arguments> changing = {{"--presence-penalty", "2"},
                                           {"--frequency-penalty", "1"},
                                           {"--typical", "0.3"},
                                           {"--typical-p", "0.3"},
                                           {"--xtc-probability", "1"},
                                           {"--dynatemp-range", "0.8"},
                                           {"--mirostat", "2"},
                                           {"--mirostat", "2", "--mirostat-ent", "1"},
                                           {"--mirostat", "2", "--mirostat-lr", "0.9"},
                                           {"--dry-multiplier", "9", "--dry-allowed-length", "1"},
                                           {"--logit-bias", "5+0", "--logit-bias", "100+50"}};
  for (const Arguments& options : changing) EXPECT_NE(text_with(options), plain) << options[0];
  const std::vector<Arguments> without_effect = {
      {"--typical", "1"},         {"--xtc-threshold", "0.01"},        {"--dynatemp-exp", "3"},
      {"--dry-base", "9"},        {"--dry-penalty-last-n", "9"},      {"--mirostat-ent", "1"},
      {"--mirostat", "0"},        {"--dry-sequence-breaker", "none"}, {"--logit-bias", "5+0"},
      {"--presence-penalty", "0"}};
  for (const Arguments& options : without_effect) EXPECT_EQ(text_with(options), plain) << options[0];
}

TEST(SamplingArguments, BansAndFavoursTokens) {
  const std::string text = text_with({"--logit-bias", "100+1000", "--temp", "0"});
  EXPECT_NE(text, text_with({"--temp", "0"}));
  EXPECT_EQ(text, text_with({"-l", "100+1000", "--temp", "0"}));
}

TEST(SamplingArguments, TextsFollowGrammars) {
  const TemporaryFolder folder;
  const std::string file = folder.write("yes.gbnf", "root ::= \" yes\" | \" no\"").string();
  EXPECT_THAT(text_with({"--grammar-file", file}), testing::AnyOf(" yes\n", " no\n"));
  EXPECT_THAT(text_with({"--grammar", "root ::= [0-9]{3}", "--temp", "0"}),
              testing::MatchesRegex("[0-9][0-9][0-9]\n"));
  const std::string schema =
      R"({"properties": {"age": {"type": "integer", "maximum": 99, "minimum": 10}, "king":
      {"type": "boolean"}}, "required": ["age", "king"]})";
  const std::string schema_file = folder.write("schema.json", schema).string();
  for (const std::string& given : {schema, "@" + schema_file})
    for (const char* seed : {"1", "2", "3"}) {
      const nlohmann::json value =
          nlohmann::json::parse(text_with({"--json-schema", given, "--seed", seed}, "300"), nullptr, false);
      ASSERT_TRUE(value.is_object()) << value;
      EXPECT_EQ(value.size(), 2u) << value;
      EXPECT_TRUE(value["age"].is_number_integer() && value["king"].is_boolean()) << value;
    }
  const CommandResult ended = run_with({"--grammar", "root ::= \"x\"", "--json"});
  EXPECT_EQ(ended.json()["stop_reason"], "end_of_text");
  EXPECT_EQ(ended.json()["text"], "x");
}

TEST(SamplingArguments, WrongOnesAreRefusedByName) {
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{"--typical", "2"}, "--typical"},
      {{"--typical", "nan"}, "typical: nan"},
      {{"--xtc-probability", "-1"}, "--xtc-probability"},
      {{"--xtc-threshold", "7"}, "--xtc-threshold"},
      {{"--presence-penalty", "1000"}, "--presence-penalty"},
      {{"--frequency-penalty", "x"}, "--frequency-penalty"},
      {{"--dynatemp-range", "-1"}, "--dynatemp-range"},
      {{"--dynatemp-exp", "-1"}, "--dynatemp-exp"},
      {{"--dry-multiplier", "-1"}, "--dry-multiplier"},
      {{"--dry-base", "0.5"}, "--dry-base"},
      {{"--dry-allowed-length", "0"}, "--dry-allowed-length"},
      {{"--dry-penalty-last-n", "-1"}, "--dry-penalty-last-n"},
      {{"--dry-sequence-breaker", ""}, "dry_sequence_breakers"},
      {{"--mirostat", "1"}, "--mirostat"},
      {{"--mirostat-lr", "2"}, "--mirostat-lr"},
      {{"--mirostat-ent", "-2"}, "--mirostat-ent"},
      {{"--logit-bias", "5"}, "--logit-bias: 5"},
      {{"--logit-bias", "5+x"}, "--logit-bias: 5+x"},
      {{"--logit-bias", "5+nan"}, "logit_bias: nan"},
      {{"--logit-bias", "5+inf"}, "logit_bias: inf"},
      {{"--logit-bias", "5--1"}, "--logit-bias: 5--1"},
      {{"--grammar", "root ::= x"}, "grammar: line 1, column 10: rule x is unknown"},
      {{"--grammar", ""}, "grammar"},
      {{"--grammar-file", "/none/such"}, "/none/such"},
      {{"--grammar", "root ::= .", "--json-schema", "{}"}, "--json-schema"},
      {{"--json-schema", "{"}, "json_schema: it is no JSON"},
      {{"--json-schema", "@/none/such"}, "/none/such"},
      {{"--json-schema", R"({"not": {}})"}, "json_schema: #: keyword not is not supported"}};
  for (const auto& [options, names] : cases) {
    const CommandResult result = run_with(options);
    EXPECT_EQ(result.status, 2) << names;
    EXPECT_THAT(result.error_line(), HasSubstr(names));
  }
  const CommandResult unknown = run_with({"--logit-bias", "512+1"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.error_line(), HasSubstr("logit_bias: token 512 is outside the vocabulary"));
}

}  // namespace
}  // namespace burin::tests
