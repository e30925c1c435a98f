// Kernels that were linked into this program: the demo model runs with them, and with no executable memory but the
// program's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>

#include "jit/bundle.hpp"
#include "jit/error.hpp"
#include "jit/executable_memory.hpp"
#include "runtime/session.hpp"
#include "tests/linked/forbidden_calls.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/error_text.hpp"
#include "tests/support/run_command.hpp"

// As burin/model.hpp says.
extern "C" const char burin_kernels_demo[];

namespace burin::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";
const std::vector<runtime::TokenId> kTokens = {1, 20, 37, 11, 5, 42, 8};

const jit::LinkedKernels& demo_kernels() {
  return *static_cast<const jit::LinkedKernels*>(static_cast<const void*>(burin_kernels_demo));
}

class LinkedKernels : public testing::Test {
 protected:
  LinkedKernels() { jit::add_linked_kernels(demo_kernels()); }

  // Logits of all positions with kernels from there only.
  static std::vector<float> logits_with(const std::string& bundle) {
    runtime::LoadOptions options;
    options.threads = 2;
    options.bundles = {bundle};
    options.emit = false;
    const auto model = runtime::Model::load(kDemo, options);
    if (model->statistics().kernels_from_bundle < 10) throw std::logic_error("not from the bundle");
    runtime::Session session(model);
    std::vector<float> rows;
    const std::function<void(std::span<const float>)> sink = [&](std::span<const float> row) {
      rows.insert(rows.end(), row.begin(), row.end());
    };
    session.evaluate(kTokens, runtime::LogitsWanted::all, &sink);
    return rows;
  }

  // The same by a build with the emitter, which emits.
  std::vector<float> emitted_logits() const {
    const std::string file = (folder_ / "logits").string();
    const CommandResult result =
        run_program(BURIN_FULL_BINARY, {"eval", kDemo, "--tokens", "1,20,37,11,5,42,8", "--full", file,
                                        "--target", target(), "--threads", "2", "--cache", "off"});
    EXPECT_EQ(result.status, 0) << result.errors;
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    std::vector<float> rows(bytes.size() / sizeof(float));
    std::memcpy(rows.data(), bytes.data(), bytes.size());
    return rows;
  }

  // Of those that were linked, the one this CPU is given.
  static std::string target() {
    const bool large = jit::host_target().features.contains(jit::parse_target("icelake-server").features);
    return large ? "icelake-server" : "haswell";
  }

  const TemporaryFolder folder_;
};

TEST_F(LinkedKernels, AreABundle) {
  const jit::Bundle bundle = jit::Bundle::open("linked:demo");
  EXPECT_EQ(bundle.name(), "linked:demo");
  EXPECT_GT(bundle.kernels(), 20u);
  ASSERT_EQ(bundle.targets().size(), 2u);
  EXPECT_EQ(bundle.targets()[0].target.name, "haswell");
  EXPECT_THAT(bundle.targets()[1].origin, AllOf(HasSubstr("shakespeare-q8_0.gguf"), HasSubstr("plan ")));
  EXPECT_FALSE(bundle.load({"none", jit::parse_target("haswell").features}).has_value());
}

TEST_F(LinkedKernels, HaveTheBytesOfABundlesFile) {
  const std::string file = (folder_ / "kernels.bnd").string();
  ASSERT_EQ(run_program(BURIN_FULL_BINARY,
                        {"pregen", "--model", kDemo, "--target", "haswell,icelake-server", "-o", file})
                .status,
            0);
  const jit::Bundle bundle = jit::Bundle::open(file);
  ASSERT_EQ(bundle.kernels(), demo_kernels().count);
  for (const jit::LinkedKernel& linked : std::span(demo_kernels().kernels, demo_kernels().count)) {
    const std::string_view key = linked.key;
    const std::size_t at = key.find('@');
    const auto image = bundle.find({key.substr(0, at), jit::parse_target(key.substr(at + 1)).features});
    ASSERT_TRUE(image.has_value()) << key;
    ASSERT_EQ(image->bytes.size(), linked.bytes) << key;
    EXPECT_EQ(std::memcmp(image->bytes.data(), linked.code, linked.bytes), 0) << key;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(linked.code) % jit::kCodeAlignment, 0u) << key;
  }
}

TEST_F(LinkedKernels, RunWithoutExecutableMemory) {
  const std::vector<float> expected = emitted_logits();
  ASSERT_EQ(expected.size() % kTokens.size(), 0u);
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(in_child([&] {
              return forbid_calls(Forbidden::executable_memory) && logits_with("linked:demo") == expected;
            }),
            0);
}

// The file is mapped as it was verified: nothing that was written becomes executable.
TEST_F(LinkedKernels, BundlesRunWhereWrittenMemoryMayNotBecomeExecutable) {
  const std::string file = (folder_ / "kernels.bnd").string();
  ASSERT_EQ(
      run_program(BURIN_FULL_BINARY, {"pregen", "--model", kDemo, "--target", target(), "-o", file}).status,
      0);
  const std::vector<float> expected = emitted_logits();
  EXPECT_EQ(in_child([&] {
              return forbid_calls(Forbidden::written_memory_becoming_executable) &&
                     logits_with(file) == expected;
            }),
            0);
}

// That the two tests above would notice.
TEST_F(LinkedKernels, ForbiddenCallsEndTheProcess) {
  const std::vector<std::uint8_t> code = {0xc3};
  for (const Forbidden what : {Forbidden::executable_memory, Forbidden::written_memory_becoming_executable})
    EXPECT_EQ(in_child([&] {
                if (!forbid_calls(what)) return true;
                const jit::ExecutableMemory memory(code);
                return true;
              }),
              128 + SIGSYS);
}

TEST_F(LinkedKernels, OfAnotherBuildAreRefused) {
  jit::LinkedKernels other = demo_kernels();
  other.build[0] ^= 1;
  EXPECT_THAT(error_of([&] { jit::Bundle{other}; }),
              AllOf(HasSubstr("linked:demo"), HasSubstr("another build")));
  other = demo_kernels();
  other.arguments ^= 1;
  EXPECT_THAT(error_of([&] { jit::Bundle{other}; }), HasSubstr("version of the arguments"));
  other = demo_kernels();
  other.version = 2;
  EXPECT_THAT(error_of([&] { jit::Bundle{other}; }), HasSubstr("another layout"));
}

TEST_F(LinkedKernels, UnknownNamesAreSaid) {
  EXPECT_THAT(error_of([] { jit::Bundle::open("linked:other"); }),
              AllOf(HasSubstr("linked:other"), HasSubstr("demo are"), HasSubstr("pregen -o other.o")));
}

}  // namespace
}  // namespace burin::tests
