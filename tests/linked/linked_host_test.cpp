// Hosts that have kernels linked into them, in C++ and C: through the public API alone, with no executable memory but
// their own, they write what a Burin writes that emits.
#include "tests/linked/linked_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "burin/burin.hpp"
#include "tests/linked/forbidden_calls.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/run_command.hpp"

// As burin/model.hpp says.
extern "C" const char burin_kernels_demo[];

namespace burin::tests {
namespace {

using Tokens = std::vector<TokenId>;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";
const std::string kPrompt = "ROMEO:\nWhat light";
constexpr int kCount = 48;

// By a build with the emitter, in a process of its own. For haswell: any CPU can run that.
Tokens emitted_tokens(const std::string& temperature) {
  const CommandResult result = run_program(
      BURIN_FULL_BINARY, {"run", kDemo, "-p", kPrompt, "-n", std::to_string(kCount), "--temp", temperature,
                          "--seed", "7", "--target", "haswell", "--cache", "off", "--json"});
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_GT(result.json()["kernels"]["emitted"], 10);
  return result.json()["tokens"];
}

LoadOptions linked_options() {
  LoadOptions options;
  options.threads = 2;
  options.target = "haswell";
  options.cache_folder = "";
  options.kernel_bundles = {"linked:demo"};
  options.emit = false;
  return options;
}

// Empty where something fails, which standard error says.
Tokens linked_tokens(const LoadOptions& options, float temperature) {
  const auto added = add_linked_kernels(burin_kernels_demo);
  const auto model = Model::load(kDemo, options);
  if (!added || !model) {
    std::fputs((added ? model.error() : added.error()).message.c_str(), stderr);
    return {};
  }
  const LoadStatistics load = model->statistics();
  if (load.kernels_from_bundle < 10 || load.kernels_emitted != 0 || load.kernels_from_disk != 0) return {};
  auto session = Session::create(*model);
  if (!session) return {};
  const auto text = session->generate(
      kPrompt,
      {.sampling = SamplingOptions{.temperature = temperature, .seed = 7}, .max_new_tokens = kCount});
  return text ? text->tokens : Tokens();
}

TEST(LinkedHost, WritesInCpp) {
  const Tokens greedy = emitted_tokens("0");
  const Tokens drawn = emitted_tokens("1");
  ASSERT_EQ(greedy.size(), std::size_t{kCount});
  ASSERT_NE(greedy, drawn);
  EXPECT_EQ(in_child([&] {
              return forbid_calls(Forbidden::executable_memory) &&
                     linked_tokens(linked_options(), 0) == greedy &&
                     linked_tokens(linked_options(), 1) == drawn;
            }),
            0);
}

TEST(LinkedHost, WritesInC) {
  const Tokens greedy = emitted_tokens("0");
  ASSERT_EQ(greedy.size(), std::size_t{kCount});
  EXPECT_EQ(in_child([&] {
              if (!forbid_calls(Forbidden::executable_memory)) return false;
              const char* wrong =
                  linked_host_writes(kDemo.c_str(), kPrompt.c_str(), greedy.data(), greedy.size());
              if (wrong != nullptr) std::fputs(wrong, stderr);
              return wrong == nullptr;
            }),
            0);
}

// A library that can emit does so by default; one that cannot need not be told.
TEST(LinkedHost, NeedNotSayThatNothingIsToBeEmitted) {
  LoadOptions options = linked_options();
  options.emit = LoadOptions().emit;
  EXPECT_EQ(options.emit, has_emitter());
  EXPECT_EQ(in_child([&] {
              return (has_emitter() || forbid_calls(Forbidden::executable_memory)) &&
                     linked_tokens(options, 0).size() == std::size_t{kCount};
            }),
            0);
}

TEST(LinkedHost, MustGiveTheTable) {
  const char text[128] = "no kernels";
  const auto added = add_linked_kernels(text);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(added.error().message, testing::HasSubstr("burin_kernels_NAME"));
  EXPECT_EQ(burin_add_linked_kernels(text), BURIN_INVALID_ARGUMENT);
  EXPECT_EQ(burin_add_linked_kernels(nullptr), BURIN_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace burin::tests
