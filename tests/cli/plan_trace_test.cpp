// burin plan and burin eval --trace as scripts use them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/reference_data.hpp"
#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

TEST(PlanCommand, LimitsAreMeasuredHereAndNominalElsewhere) {
  const json here = run_burin({"plan", kDemo, "--threads", "1", "--json"}).json()["limits"];
  EXPECT_EQ(here["measured"], true);
  EXPECT_EQ(here["threads"], 1);
  EXPECT_GT(here["read_gb_s"].get<double>(), 0.1);
  EXPECT_GT(here["int8_gmac_s"].get<double>(), 0.1);
  EXPECT_THAT(run_burin({"plan", kDemo}).output, HasSubstr("measured on this machine in "));
  const std::string there = run_burin({"plan", kDemo, "--target", "graniterapids", "--threads", "5"}).output;
  EXPECT_THAT(there,
              AllOf(HasSubstr("nominal figures of graniterapids, not measured"), HasSubstr("5 threads")));
}

TEST(PlanCommand, WritesPicturesAndNothingElse) {
  const TemporaryFolder folder;
  const std::string html = (folder.path() / "plan.html").string();
  const std::string dot = (folder.path() / "plan.dot").string();
  const CommandResult result =
      run_burin({"plan", kDemo, "--target", "haswell", "--html", html, "--dot", dot});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(read_bytes(html),
              AllOf(testing::StartsWith("<!doctype html>"), testing::EndsWith("</html>\n")));
  EXPECT_THAT(read_bytes(dot), testing::StartsWith("digraph plan {"));
  EXPECT_EQ(run_burin({"plan", kDemo, "--html", html, "--json"}).json()["layers"], 4);
  const CommandResult nowhere =
      run_burin({"plan", kDemo, "--html", (folder.path() / "no" / "where").string()});
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.errors, HasSubstr("cannot be opened for writing"));
}

TEST(EvalTrace, HasALinePerStep) {
  const std::string text = run_burin({"eval", kDemo, "--tokens", "50,47", "--trace", "--top", "3"}).output;
  EXPECT_THAT(text,
              AllOf(HasSubstr("\nprefill  0-1       token_embd "), HasSubstr("\nhead     1         output "),
                    HasSubstr("prepared rows"), HasSubstr("\nlargest logits\n")));
  const json trace = run_burin({"eval", kDemo, "--tokens", "50", "--trace", "--json"}).json();
  const json plan = run_burin({"plan", kDemo, "--json"}).json();
  ASSERT_EQ(trace["trace"].size(), plan["steps"].size());
  for (std::size_t i = 0; i < trace["trace"].size(); ++i) {
    const json& step = trace["trace"][i];
    EXPECT_EQ(step["name"], plan["steps"][i]["name"]);
    EXPECT_EQ(step["kernel"], plan["steps"][i]["kernel"]);
    EXPECT_GT(step["l2"].get<double>(), 0);
    EXPECT_GE(step["l2"].get<double>(), step["max"].get<double>());
    EXPECT_EQ(step["checksum"].get<std::string>().size(), 16u);
  }
  EXPECT_EQ(trace["top"], run_burin({"eval", kDemo, "--tokens", "50", "--json"}).json()["top"]);
}

TEST(EvalTrace, RefusesWhatItDoesNotShow) {
  for (const char* option : {"--all-positions", "--full=x"}) {
    const CommandResult result = run_burin({"eval", kDemo, "--tokens", "50", "--trace", option});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.errors, HasSubstr("leave out --all-positions and --full"));
  }
  EXPECT_EQ(run_burin({"eval", kDemo, "--perplexity", kDemo, "--trace"}).status, 2);
}

}  // namespace
}  // namespace burin::tests
