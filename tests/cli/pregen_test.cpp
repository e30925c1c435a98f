// Kernels made ahead of time, and runs that use nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

class Pregen : public testing::Test {
 protected:
  std::string bundle() const { return (folder_ / "kernels.bnd").string(); }
  json make(std::vector<std::string> options) const {
    options.insert(options.begin(), {"pregen", "-o", bundle(), "--json"});
    const CommandResult result = run_burin(options);
    EXPECT_EQ(result.status, 0) << result.errors;
    return result.json();
  }
  CommandResult run(const std::vector<std::string>& options) const {
    std::vector<std::string> arguments = {"run", kDemo, "-p", "To be", "-n", "4", "--temp", "0", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_burin(arguments);
  }

  const TemporaryFolder folder_;
};

TEST_F(Pregen, RunsUseNothingElse) {
  const json made = make({"--model", kDemo, "--target", "sapphirerapids,haswell"});
  EXPECT_EQ(made["targets"], (json{"sapphirerapids", "haswell"}));
  EXPECT_EQ(made["bytes"], std::filesystem::file_size(bundle()));
  EXPECT_GT(made["kernels"], 20);
  const CommandResult result = run({"--kernels", bundle(), "--no-emit", "--target", "haswell"});
  ASSERT_EQ(result.status, 0) << result.errors;
  const json kernels = result.json()["kernels"];
  EXPECT_EQ(kernels["emitted"], 0);
  EXPECT_EQ(kernels["from_disk"], 0);
  EXPECT_EQ(kernels["from_bundle"].get<int>() * 2, made["kernels"]);
  EXPECT_EQ(result.json()["text"], run({"--target", "haswell"}).json()["text"]);
  // The host is what the bundle has kernels for.
  EXPECT_EQ(run({"--kernels", bundle(), "--no-emit"}).json()["kernels"]["emitted"], 0);
}

TEST_F(Pregen, IsReproducible) {
  make({"--model", kDemo, "--target", "znver4,icelake-server"});
  const TemporaryFolder elsewhere;
  const std::string copy = (elsewhere / "model.bnd").string();
  ASSERT_EQ(run_burin({"pregen", "--model", kDemo, "--target", "znver4,icelake-server", "-o", copy}).status,
            0);
  const auto read = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  };
  EXPECT_EQ(read(copy), read(bundle()));
}

TEST_F(Pregen, WhatIsMissingIsNamed) {
  make({"--model", kDemo, "--target", "haswell", "--compute", "int8"});
  const CommandResult result = run({"--kernels", bundle(), "--no-emit"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.error_line(), AllOf(HasSubstr("attention-heads.h6.2.32.f32"), HasSubstr("f32 compute"),
                                         HasSubstr(bundle()), HasSubstr("int8 compute")));
  EXPECT_THAT(result.error_line(), testing::Not(HasSubstr("\n")));
}

TEST_F(Pregen, WhatIsMissingIsEmittedAndSaidOtherwise) {
  make({"--model", kDemo, "--target", "graniterapids"});
  const CommandResult result = run({"--kernels", bundle()});
  EXPECT_EQ(result.status, 0);
  EXPECT_GT(result.json()["kernels"]["emitted"], 5);
  EXPECT_THAT(result.error_line(), AllOf(HasSubstr("burin: note: "), HasSubstr("are not in the bundles")));
  const CommandResult refused = run({"--kernels", bundle(), "--no-emit"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.error_line(), HasSubstr("can run none of them"));
}

TEST_F(Pregen, NoEmitTakesCachedKernels) {
  const std::string cache = (folder_ / "cache").string();
  const CommandResult empty = run({"--no-emit", "--cache", cache});
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.error_line(), HasSubstr("gemm-k.192"));
  EXPECT_EQ(run({"--cache", cache}).status, 0);
  EXPECT_EQ(run({"--no-emit", "--cache", cache}).json()["kernels"]["emitted"], 0);
}

TEST_F(Pregen, NamesCanBeGiven) {
  const json plan = run_burin({"plan", kDemo, "--json", "--target", "haswell"}).json();
  std::string names = "# of the demo model\n\n";
  for (const json& step : plan["steps"]) names += step["kernel"].get<std::string>() + "  # " + "a step\r\n";
  const std::string file = folder_.write("names", names).string();
  const json made = make({"--names", file, "--target", "haswell,avx2,avxvnni"});
  EXPECT_EQ(made["targets"], (json{"haswell", "avx2,avxvnni"}));
  EXPECT_GT(made["kernels"], 10);
  const CommandResult result = run_burin({"pregen", "--names", folder_.write("bad", "gemm-k.32\n").string(),
                                          "-o", bundle(), "--target", "haswell"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.error_line(), HasSubstr("gemm-k.32"));
}

TEST_F(Pregen, RefusesByName) {
  EXPECT_THAT(run({"--kernels", kDemo}).error_line(), AllOf(HasSubstr(kDemo), HasSubstr("is no bundle")));
  EXPECT_EQ(run({"--kernels", "/no/such/bundle"}).status, 1);
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--target", "haswell", "-o", "x"},
                                             {"--model", kDemo, "--names", "x", "-o", "x"},
                                             {"--model", kDemo},
                                             {"--model", kDemo, "-o", "x", "--target", "haswell,pentium"},
                                             {"--model", kDemo, "-o", "x", "--target", ""},
                                             {"--model", kDemo, "-o", "x.o"}}) {
    std::vector<std::string> arguments = {"pregen"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(run_burin(arguments).status, 2) << wrong[1];
  }
  const CommandResult unwritable =
      run_burin({"pregen", "--model", kDemo, "-o", "/no/such/folder/x", "--target", "haswell"});
  EXPECT_EQ(unwritable.status, 1);
  EXPECT_THAT(unwritable.error_line(), HasSubstr("/no/such/folder/x"));
  EXPECT_EQ(run({"--no-emit", "--cache", "off"}).status, 2);
}

}  // namespace
}  // namespace burin::tests
