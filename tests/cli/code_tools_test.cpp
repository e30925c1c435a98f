// The variables that show kernels to perf and GDB.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/run_command.hpp"
#include "tests/support/sanitized.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

const std::string kModel = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

std::vector<std::string> arguments() { return {"run", kModel, "-p", "ROMEO:", "-n", "2", "--cache", "off"}; }

TEST(CodeToolVariables, MakeTheFiles) {
  const TemporaryFolder folder;
  Command command(arguments(), "", {"BURIN_PERF_MAP=1", "BURIN_JITDUMP=" + (folder / ".").string()});
  const std::string process = std::to_string(command.process());
  const CommandResult result = command.wait();
  EXPECT_EQ(result.status, 0) << result.errors;
  const std::filesystem::path map = "/tmp/perf-" + process + ".map";
  EXPECT_GT(std::filesystem::file_size(map), 1000u);
  EXPECT_GT(std::filesystem::file_size(folder / ("jit-" + process + ".dump")), 10000u);
  std::filesystem::remove(map);
}

TEST(CodeToolVariables, AreOffByDefault) {
  Command command(arguments(), "", {"BURIN_PERF_MAP=0", "BURIN_GDB="});
  const std::string process = std::to_string(command.process());
  EXPECT_EQ(command.wait().status, 0);
  EXPECT_FALSE(std::filesystem::exists("/tmp/perf-" + process + ".map"));
}

TEST(CodeToolVariables, WrongValuesAreNamed) {
  const CommandResult result = run_burin(arguments(), "", {"BURIN_GDB=yes"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.error_line(), "burin: BURIN_GDB=yes: expected 0 or 1");
  EXPECT_THAT(run_burin(arguments(), "", {"BURIN_JITDUMP=/not/there"}).error_line(),
              testing::MatchesRegex("burin: /not/there/jit-[0-9]+.dump: cannot be made for perf: .*"));
}

// A breakpoint at a kernel by its name, and the caller's frame above it.
TEST(CodeToolVariables, GdbStopsInKernels) {
#ifdef BURIN_TESTS_SANITIZED
  GTEST_SKIP() << "skipped: sanitizers and debuggers are in each other's way";
#endif
  const TemporaryFolder folder;
  if (run_program("sh", {"-c", "command -v gdb"}).status != 0) GTEST_SKIP() << "skipped: no gdb here";
  const auto script = folder.write("script",
                                   "set pagination off\nset confirm off\nset env BURIN_GDB=1\n"
                                   "break burin::runtime::run_program\nrun\ndelete\n"
                                   "rbreak ^gemm-k.192-n.1024\ncontinue\nbacktrace 3\nkill\n");
  std::vector<std::string> all = {"-batch", "-nx", "-x", script.string(), "--args", BURIN_BINARY};
  for (const std::string& argument : arguments()) all.push_back(argument);
  const CommandResult result = run_program("gdb", all);
  if (result.errors.find("Operation not permitted") != std::string::npos)
    GTEST_SKIP() << "skipped: nothing may be debugged here";
  const std::string& output = result.output;
  EXPECT_THAT(output, testing::ContainsRegex("hit Breakpoint [0-9]+, 0x[0-9a-f]+ in gemm-k.192-n.1024"));
  EXPECT_THAT(output, testing::ContainsRegex("#1 .*burin::runtime::"));
}

}  // namespace
}  // namespace burin::tests
