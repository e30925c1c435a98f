// bench/compare.py with engines that only say how fast they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

using testing::HasSubstr;

class Compare : public testing::Test {
 protected:
  void SetUp() override {
    const int found = std::system("python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null");
    if (found != 0) GTEST_SKIP() << "skipped: no Python 3.9";
  }

  std::string program(std::string_view name, const std::string& script) const {
    const std::filesystem::path path = folder_.write(name, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  std::string burin() const {
    return program("burin",
                   "echo '{\"prefill_tok_s\": 100, \"decode_tok_s\": 10,"
                   " \"prefill_share_of_dot_peak\": 0.7, \"decode_share_of_read_limit\": 0.9}'");
  }
  // Says what it was asked for, too: decoding has the prompt in the context.
  std::string peer() const {
    return program("peer",
                   "case \"$*\" in *'-p 64 -n 0') speed=50;; *'-p 0 -n 8 -d 64') speed=8;; esac\n"
                   "echo \"[{\\\"avg_ts\\\": $speed}]\"");
  }
  CommandResult compare(const std::vector<std::string>& peers) const {
    std::vector<std::string> arguments = {"model.gguf", "--burin", burin(), "-p", "64", "-n", "8", "-r", "3"};
    for (const std::string& path : peers) arguments.insert(arguments.end(), {"--llama-bench", path});
    return Command(arguments, "", {}, BURIN_SOURCE_DIR "/bench/compare.py").wait();
  }

  const TemporaryFolder folder_;
};

TEST_F(Compare, PrintsRatiosAndSharesOfTheLimits) {
  const CommandResult result = compare({"other=" + peer()});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("| Burin | 100.0 | 70 % |  | 10.0 | 90 % |  |"));
  EXPECT_THAT(result.output, HasSubstr("| other | 50.0 | 35 % | 2.00 x | 8.0 | 72 % | 1.25 x |"));
  EXPECT_THAT(result.output, HasSubstr("medians of 3; rounds differ by up to 0 %"));
}

TEST_F(Compare, WhatFailsIsSaidInOneLine) {
  const CommandResult missing = compare({"other=" + (folder_ / "nothing").string()});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.errors, HasSubstr("compare.py: " + (folder_ / "nothing").string() + ": cannot be run"));
  const CommandResult failed = compare({"other=" + program("failing", "echo broken >&2; exit 3")});
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.errors, HasSubstr("ended with status 3: broken"));
  const CommandResult silent = compare({"other=" + program("silent", "echo '[]'")});
  EXPECT_EQ(silent.status, 1);
  EXPECT_THAT(silent.errors, HasSubstr("printed no avg_ts"));
}

}  // namespace
}  // namespace burin::tests
