// burin without the emitter: small, nothing of Xbyak in it, and the same results from a bundle of the full build.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jit/target.hpp"
#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

// Names of all functions and data.
std::string symbols(const std::string& program) {
  const CommandResult result = run_program("nm", {"--demangle", program});
  EXPECT_EQ(result.status, 0) << result.errors;
  return result.output;
}

TEST(WithoutEmitter, HasNothingOfTheAssembler) {
  for (const char* program : {BURIN_BINARY, BURIN_SHARED_LIBRARY}) {
    const std::string names = symbols(program);
    EXPECT_THAT(names, HasSubstr("burin::runtime::Session::evaluate"));
    for (const char* name : {"Xbyak", "xbyak", "Zydis", "burin::jit::Assembler", "VectorIsa", "GemmEmitter"})
      EXPECT_THAT(names, Not(HasSubstr(name))) << program;
  }
  // That these are the names to look for.
  EXPECT_THAT(symbols(BURIN_FULL_BINARY), AllOf(HasSubstr("Xbyak"), HasSubstr("burin::jit::Assembler")));
}

TEST(WithoutEmitter, IsSmall) {
  if (std::string(BURIN_BUILD_TYPE) != "MinSizeRel")
    GTEST_SKIP() << "skipped: built for something else than size";
  const TemporaryFolder folder;
  const std::string stripped = (folder / "stripped").string();
  // The runtime, and the program, which has a command line and chat templates around it.
  const std::pair<const char*, std::uintmax_t> limits[] = {{BURIN_SHARED_LIBRARY, 1'200'000},
                                                           {BURIN_BINARY, 1'500'000}};
  for (const auto& [file, limit] : limits) {
    ASSERT_EQ(run_program("strip", {"-o", stripped, file}).status, 0);
    EXPECT_LT(fs::file_size(stripped), limit) << file;
  }
}

class WithBundle : public testing::Test {
 protected:
  std::string bundle() const { return (folder_ / "kernels.bnd").string(); }
  void make(const std::string& target, std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"pregen", "--model", kDemo, "--target", target, "-o", bundle()});
    const CommandResult result = run_program(BURIN_FULL_BINARY, options);
    ASSERT_EQ(result.status, 0) << result.errors;
  }
  static std::vector<std::string> run(std::vector<std::string> options) {
    options.insert(options.begin(), {"run", kDemo, "-p", "To be", "-n", "24", "--temp", "0", "--json"});
    return options;
  }

  const TemporaryFolder folder_;
};

TEST_F(WithBundle, RunsAsTheFullBuildDoes) {
  make("haswell,detect");
  for (const std::string target : {"haswell", "detect"}) {
    const CommandResult result = run_burin(run({"--kernels", bundle(), "--target", target}));
    ASSERT_EQ(result.status, 0) << result.errors;
    // Whoever asks for less than the host can do is told so.
    EXPECT_EQ(result.errors.empty(), target == "detect") << result.errors;
    const json kernels = result.json()["kernels"];
    EXPECT_EQ(kernels["emitted"], 0);
    EXPECT_EQ(kernels["from_disk"], 0);
    EXPECT_GT(kernels["from_bundle"], 10);
    const CommandResult full = run_program(BURIN_FULL_BINARY, run({"--target", target, "--cache", "off"}));
    ASSERT_EQ(full.status, 0) << full.errors;
    EXPECT_GT(full.json()["kernels"]["emitted"], 10);
    EXPECT_EQ(result.json()["text"], full.json()["text"]);
  }
}

TEST_F(WithBundle, TakesTheBestThatThisCpuCanRun) {
  make("haswell,graniterapids");
  const CommandResult result = run_burin(run({"--kernels", bundle()}));
  ASSERT_EQ(result.status, 0) << result.errors;
  const bool any = jit::host_target().features.contains(jit::parse_target("graniterapids").features);
  EXPECT_EQ(result.json()["target"], any ? "graniterapids" : "haswell");
}

TEST_F(WithBundle, EvaluatesAsTheFullBuildDoes) {
  make("haswell");
  std::vector<std::string> arguments = {"eval", kDemo, "--tokens", "1,2,3,4", "--all-positions", "--json"};
  arguments.insert(arguments.end(), {"--target", "haswell"});
  const json full = run_program(BURIN_FULL_BINARY, arguments).json();
  arguments.insert(arguments.end(), {"--kernels", bundle(), "--no-emit"});
  EXPECT_EQ(run_burin(arguments).json()["top"], full["top"]);
}

TEST_F(WithBundle, WhatIsMissingIsNamed) {
  make("haswell", {"--compute", "int8"});
  const CommandResult result = run_burin(run({"--kernels", bundle(), "--target", "haswell"}));
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.error_line(),
              AllOf(HasSubstr("attention-heads.h6.2.32.f32"), HasSubstr(bundle()), HasSubstr("int8 compute"),
                    HasSubstr("built with the emitter"), Not(HasSubstr("\n"))));
  const CommandResult none = run_burin(run({"--cache", "off"}));
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.error_line(), HasSubstr("--kernels FILE"));
}

TEST_F(WithBundle, CachedKernelsOfTheFullBuildAreTaken) {
  const std::string cache = (folder_ / "cache").string();
  ASSERT_EQ(run_program(BURIN_FULL_BINARY, run({"--cache", cache})).status, 0);
  const CommandResult result = run_burin(run({"--cache", cache}));
  ASSERT_EQ(result.status, 0) << result.errors;
  EXPECT_GT(result.json()["kernels"]["from_disk"], 10);
  EXPECT_EQ(run_burin({"cache", "verify", "--cache", cache}).status, 0);
}

TEST(WithoutEmitter, CommandsThatNeedNoKernelsWork) {
  EXPECT_EQ(run_burin({"tokenize", kDemo, "-p", "To be", "--json"}).status, 0);
  EXPECT_EQ(run_burin({"inspect", kDemo, "--json"}).status, 0);
  const CommandResult info = run_burin({"info", "--json"});
  EXPECT_EQ(info.status, 0);
  EXPECT_TRUE(info.json().contains("target"));
  EXPECT_FALSE(info.json().contains("read_gb_s"));
  EXPECT_THAT(run_burin({"info"}).output, HasSubstr("not measured"));
}

TEST(WithoutEmitter, CommandsForDevelopersAreRefusedByName) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"pregen", "--model", kDemo, "-o", "x"},
                                             {"kernel", "probe-of.read", "--disassemble"},
                                             {"plan", kDemo},
                                             {"bench", kDemo}}) {
    const CommandResult result = run_burin(arguments);
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.error_line(),
                AllOf(HasSubstr(arguments[0]), HasSubstr("BURIN_EMITTER=OFF"), HasSubstr("full build")));
  }
}

TEST_F(WithBundle, ToolsForDevelopersAreRefusedByName) {
  make("haswell");
  const std::string tool[] = {"BURIN_GDB=1", "BURIN_PERF_MAP=1", "BURIN_JITDUMP=."};
  for (const std::string& variable : tool) {
    const CommandResult result = run_burin(run({"--kernels", bundle()}), "", {variable});
    EXPECT_EQ(result.status, 1) << variable;
    EXPECT_THAT(result.error_line(), AllOf(HasSubstr("cannot be shown to"), HasSubstr("use a full build")));
  }
}

}  // namespace
}  // namespace burin::tests
