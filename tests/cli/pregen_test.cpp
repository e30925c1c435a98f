// Kernels made ahead of time, and runs that use nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>

#include "jit/target.hpp"
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

  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static std::string made_again(std::vector<std::string> options, const std::string& output) {
    options.insert(options.begin(), {"pregen", "-o", output});
    EXPECT_EQ(run_burin(options).status, 0);
    return read(output);
  }
  // All that a terminal gets to see.
  static std::string on_terminal(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BURIN_BINARY);
    int terminal = -1;
    const pid_t process = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (process == 0) {
      std::vector<char*> pointers;
      for (std::string& argument : arguments) pointers.push_back(argument.data());
      pointers.push_back(nullptr);
      execv(BURIN_BINARY, pointers.data());
      _exit(127);
    }
    std::string seen;
    char part[4096];
    for (ssize_t got = 0; (got = ::read(terminal, part, sizeof part)) > 0;)
      seen.append(part, static_cast<std::size_t>(got));
    close(terminal);
    int status = 0;
    waitpid(process, &status, 0);
    EXPECT_EQ(status, 0) << seen;
    return seen;
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

// Two processes, two places; neither name nor folder of the output is in a bundle, an object has its name in it.
TEST_F(Pregen, IsReproducible) {
  const TemporaryFolder elsewhere;
  const std::vector<std::string> model = {"--model", kDemo, "--target", "sapphirerapids,znver4,haswell"};
  make(model);
  EXPECT_EQ(made_again(model, elsewhere / "model.bnd"), read(bundle()));
  EXPECT_EQ(made_again(model, elsewhere / "kernels.o"), made_again(model, folder_ / "kernels.o"));
}

// An object holds what the bundle holds, each kernel under its name for linkers and debuggers.
TEST_F(Pregen, ObjectsHoldTheSameKernels) {
  const std::string object = (folder_ / "llama-2 7b.o").string();
  const CommandResult result =
      run_burin({"pregen", "--model", kDemo, "--target", "sapphirerapids,haswell", "-o", object, "--json"});
  ASSERT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(result.json()["kernels"],
            make({"--model", kDemo, "--target", "sapphirerapids,haswell"})["kernels"]);
  EXPECT_EQ(result.json()["bytes"], std::filesystem::file_size(object));
  const std::string names = run_program("nm", {object}).output;
  EXPECT_THAT(names, AllOf(HasSubstr(" D burin_kernels_llama_2_7b\n"), HasSubstr("t gemm-k.192-"),
                           HasSubstr("@avx2\n"), HasSubstr("avx512fp16")));
}

// Only where somebody sees it, and only what takes a while: the same names often enough.
TEST_F(Pregen, ProgressIsDrawnOnATerminal) {
  const json plan = run_burin({"plan", kDemo, "--json", "--target", "haswell"}).json();
  std::string names;
  for (const json& step : plan["steps"]) names += step["kernel"].get<std::string>() + "\n";
  const std::vector<std::string> options = {
      "pregen", "--names", (folder_ / "names").string(), "-o", bundle(), "--target", "haswell,znver4"};
  std::string seen;
  for (int times = 200; times <= 3200 && seen.find('[') == std::string::npos; times *= 2) {
    std::string repeated;
    for (int i = 0; i < times; ++i) repeated += names;
    folder_.write("names", repeated);
    seen = on_terminal(options);
  }
  EXPECT_THAT(seen, AllOf(HasSubstr("emitting [#"), HasSubstr("100 %")));
  EXPECT_EQ(run_burin(options).errors, "");
}

TEST_F(Pregen, WhatIsMissingIsNamed) {
  make({"--model", kDemo, "--target", "haswell", "--compute", "int8"});
  const CommandResult result = run({"--kernels", bundle(), "--no-emit"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.error_line(), AllOf(HasSubstr("attention-heads.h6.2.32.f32"), HasSubstr("f32 compute"),
                                         HasSubstr(bundle()), HasSubstr("int8 compute")));
  EXPECT_THAT(result.error_line(), testing::Not(HasSubstr("\n")));
}

// Not even a cache that has what the bundle lacks, unless it is named.
TEST_F(Pregen, NoEmitWithABundleUsesNoCache) {
  const std::string cache = (folder_ / "cache").string();
  ASSERT_EQ(run({"--target", "haswell", "--cache", cache}).status, 0);
  make({"--model", kDemo, "--target", "haswell", "--compute", "int8"});
  const std::vector<std::string> options = {"--target", "haswell", "--kernels", bundle(), "--no-emit"};
  std::vector<std::string> arguments = {"run", kDemo, "-p", "To be", "-n", "4", "--temp", "0", "--json"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const CommandResult result = run_burin(arguments, "", {"BURIN_CACHE_DIR=" + cache});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.error_line(), HasSubstr("attention-heads.h6.2.32.f32"));
  arguments.insert(arguments.end(), {"--cache", cache});
  const CommandResult named = run_burin(arguments);
  ASSERT_EQ(named.status, 0) << named.errors;
  EXPECT_GT(named.json()["kernels"]["from_disk"], 0);
}

TEST_F(Pregen, WhatIsMissingIsEmittedAndSaidOtherwise) {
  if (jit::host_target().features.contains(jit::parse_target("graniterapids").features))
    GTEST_SKIP() << "skipped: this CPU can run all targets";
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
                                             {"--model", kDemo, "-o", "x", "--target", ""}}) {
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
