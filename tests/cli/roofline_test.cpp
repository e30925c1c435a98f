// bench/roofline.py draws what `burin bench --json` printed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_command.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using testing::HasSubstr;

class Roofline : public testing::Test {
 protected:
  void SetUp() override {
    const int found = std::system("python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null");
    if (found != 0) GTEST_SKIP() << "skipped: no Python 3.9";
  }
  static CommandResult draw(const std::string& path) {
    return Command({path}, "", {}, BURIN_SOURCE_DIR "/bench/roofline.py").wait();
  }

  const TemporaryFolder folder_;
};

TEST_F(Roofline, HasAPointForEveryStepThatMultiplies) {
  const CommandResult run = run_burin(
      {"bench", BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf", "-p", "16", "-n", "2", "-r", "1", "--json"});
  ASSERT_EQ(run.status, 0) << run.errors;
  const CommandResult drawing = draw(folder_.write("run.json", run.output));
  ASSERT_EQ(drawing.status, 0) << drawing.errors;
  EXPECT_THAT(drawing.output, HasSubstr("<svg "));
  EXPECT_THAT(drawing.output, HasSubstr("gemm qkv 192x320 int8s.g32.f16: "));
  std::size_t points = 0;
  for (std::size_t at = 0; (at = drawing.output.find("<circle", at)) != std::string::npos; ++at) ++points;
  std::size_t multiplying = 0;
  const nlohmann::json result = run.json();
  for (const auto& phase : result["steps"])
    for (const auto& step : phase) multiplying += step["macs"] > 0 ? 1u : 0u;
  EXPECT_EQ(points, multiplying);
}

TEST_F(Roofline, WhatIsNoRunIsRefused) {
  const CommandResult other = draw(folder_.write("other.json", "{\"steps\": {}}"));
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.errors, HasSubstr("other.json: has no `steps` and `limits`"));
  EXPECT_THAT(draw(folder_.write("text.json", "speed")).errors, HasSubstr("text.json: is no JSON"));
  EXPECT_THAT(draw(folder_ / "none.json").errors, HasSubstr("none.json: cannot be read"));
}

}  // namespace
}  // namespace burin::tests
