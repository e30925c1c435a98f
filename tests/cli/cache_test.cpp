// The kernel cache as users meet it: where it is, what --json says, and what is said when it cannot be used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_command.hpp"

namespace burin::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kDemo = BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf";

class Cache : public testing::Test {
 protected:
  std::string folder() const { return (temporary_ / "cache").string(); }
  CommandResult cache(const std::string& action) const {
    return run_burin({"cache", action, "--json", "--cache", folder()});
  }
  // What a run with these options and variables says of its kernels.
  json kernels(const std::vector<std::string>& options, std::vector<std::string> settings = {}) {
    std::vector<std::string> arguments = {"run", kDemo, "-p", "To be", "-n", "2", "--temp", "0", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const CommandResult result = run_burin(arguments, "", std::move(settings));
    EXPECT_EQ(result.status, 0) << result.errors;
    errors_ = result.errors;
    text_ = result.json()["text"];
    return result.json()["kernels"];
  }
  fs::path any_image() const {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder()))
      if (entry.is_regular_file()) return entry.path();
    return {};
  }

  const TemporaryFolder temporary_;
  std::string errors_;
  std::string text_;
};

TEST_F(Cache, TheSecondRunEmitsNothing) {
  const json first = kernels({"--cache", folder()});
  const std::string text = text_;
  const int count = first["emitted"];
  EXPECT_GT(count, 5);
  EXPECT_EQ(first["from_disk"], 0);
  const json second = kernels({"--cache", folder()});
  EXPECT_EQ(second["emitted"], 0);
  EXPECT_EQ(second["from_disk"], count);
  EXPECT_EQ(second["emit_ms"], 0.0);
  EXPECT_EQ(text_, text);
  EXPECT_EQ(errors_, "");
}

TEST_F(Cache, OtherTargetsHaveOtherKernels) {
  kernels({"--cache", folder(), "--target", "haswell"});
  EXPECT_EQ(kernels({"--cache", folder(), "--target", "haswell"})["emitted"], 0);
  // The same features under another name.
  EXPECT_EQ(kernels({"--cache", folder(), "--target", "avx2"})["emitted"], 0);
}

TEST_F(Cache, OffKeepsNothing) {
  kernels({"--cache", "off"}, {"BURIN_CACHE_DIR=" + folder()});
  EXPECT_FALSE(fs::exists(folder()));
  EXPECT_EQ(errors_, "");
}

TEST_F(Cache, TheEnvironmentSaysWhere) {
  const std::string own = "BURIN_CACHE_DIR=" + (temporary_ / "own").string();
  const std::string xdg = "XDG_CACHE_HOME=" + (temporary_ / "xdg").string();
  const std::string home = "HOME=" + (temporary_ / "home").string();
  const auto path = [&](std::vector<std::string> settings) {
    return run_burin({"cache", "path"}, "", std::move(settings)).output;
  };
  EXPECT_EQ(path({own, xdg, home}), (temporary_ / "own").string() + "\n");
  EXPECT_EQ(path({"BURIN_CACHE_DIR=", xdg, home}), (temporary_ / "xdg/burin").string() + "\n");
  EXPECT_EQ(path({"BURIN_CACHE_DIR=", "XDG_CACHE_HOME=", home}),
            (temporary_ / "home/.cache/burin").string() + "\n");
  EXPECT_EQ(path({"BURIN_CACHE_DIR=", "XDG_CACHE_HOME=relative", home}),
            (temporary_ / "home/.cache/burin").string() + "\n");
  kernels({}, {"BURIN_CACHE_DIR=", "XDG_CACHE_HOME=", home});
  EXPECT_TRUE(fs::exists(temporary_ / "home/.cache/burin"));
}

TEST_F(Cache, WithoutAHomeThereIsOneNote) {
  const std::vector<std::string> none = {"BURIN_CACHE_DIR=", "XDG_CACHE_HOME=", "HOME="};
  EXPECT_GT(kernels({}, none)["emitted"], 5);
  EXPECT_THAT(errors_, AllOf(HasSubstr("burin: note: kernel cache: "), HasSubstr("HOME is set")));
  EXPECT_EQ(std::count(errors_.begin(), errors_.end(), '\n'), 1);
  kernels({"--log", "error"}, none);
  EXPECT_EQ(errors_, "");
  EXPECT_EQ(run_burin({"cache", "ls"}, "", none).status, 1);
}

TEST_F(Cache, FoldersThatOthersMayWriteToAreSaidOnce) {
  fs::create_directory(folder());
  fs::permissions(folder(), fs::perms::all);
  EXPECT_GT(kernels({"--cache", folder()})["emitted"], 5);
  EXPECT_THAT(errors_, AllOf(HasSubstr(folder()), HasSubstr("others may write to it")));
  EXPECT_EQ(std::count(errors_.begin(), errors_.end(), '\n'), 1);
  EXPECT_TRUE(fs::is_empty(folder()));
  EXPECT_EQ(cache("clear").status, 1);
}

TEST_F(Cache, ListsVerifiesAndClears) {
  EXPECT_EQ(cache("ls").json()["entries"], 0);
  const int count = kernels({"--cache", folder()})["emitted"];
  const json list = cache("ls").json();
  EXPECT_EQ(list["entries"], count);
  EXPECT_EQ(list["files"].size(), static_cast<std::size_t>(count));
  EXPECT_EQ(list["bad"], 0);
  EXPECT_GT(list["bytes"], 10'000);
  EXPECT_THAT(list["files"][0]["kernel"].get<std::string>(), HasSubstr("-"));
  EXPECT_THAT(list["files"][0]["features"].get<std::string>(), HasSubstr("avx2"));
  EXPECT_THAT(run_burin({"cache", "ls", "--cache", folder()}).output, HasSubstr("attention-"));
  const CommandResult sound = cache("verify");
  EXPECT_EQ(sound.status, 0);
  EXPECT_EQ(sound.json()["bad"], 0);
  const json cleared = cache("clear").json();
  EXPECT_EQ(cleared["removed"], count);
  EXPECT_EQ(cleared["entries"], 0);
  EXPECT_EQ(cache("ls").json()["entries"], 0);
}

TEST_F(Cache, DamagedImagesAreFoundSaidAndReplaced) {
  const int count = kernels({"--cache", folder()})["emitted"];
  fs::resize_file(any_image(), 100);
  const CommandResult damaged = cache("verify");
  EXPECT_EQ(damaged.status, 1);
  EXPECT_EQ(damaged.json()["bad"], 1);
  EXPECT_EQ(damaged.json()["files"].size(), 1u);
  EXPECT_THAT(damaged.errors, HasSubstr("1 of " + std::to_string(count)));
  const json again = kernels({"--cache", folder()});
  EXPECT_EQ(again["emitted"], 1);
  EXPECT_EQ(again["from_disk"], count - 1);
  EXPECT_THAT(errors_, AllOf(HasSubstr("burin: note: kernel cache"), HasSubstr("emitted anew")));
  EXPECT_EQ(std::count(errors_.begin(), errors_.end(), '\n'), 1);
  EXPECT_EQ(cache("verify").status, 0);
}

TEST_F(Cache, BenchMeasuresTheStart) {
  const CommandResult result = run_burin({"bench", "--synthetic", "llama-7b:8", "--weights", "int4",
                                          "--startup", "-r", "3", "--json", "--cache", folder()});
  ASSERT_EQ(result.status, 0) << result.errors;
  const json object = result.json();
  for (const char* field : {"cold_ms", "warm_ms", "write_ms", "kernels", "code_bytes"})
    EXPECT_GT(object[field].get<double>(), 0) << field;
  EXPECT_TRUE(fs::is_empty(folder()));
  const CommandResult text = run_burin({"bench", kDemo, "--startup", "-r", "1"});
  EXPECT_THAT(text.output, AllOf(HasSubstr("emitted"), HasSubstr("from disk"), Not(HasSubstr("nan"))));
  EXPECT_EQ(run_burin({"bench", kDemo, "--startup", "--cache", "off"}).status, 2);
}

TEST_F(Cache, PackedWeightsAreKept) {
  const auto run = [&](const std::string& kept) {
    const CommandResult result = run_burin({"run", kDemo, "-p", "To be", "-n", "2", "--temp", "0", "--json",
                                            "--cache", folder(), "--kept-weights", kept});
    EXPECT_EQ(result.status, 0) << result.errors;
    errors_ = result.errors;
    return result.json();
  };
  EXPECT_FALSE(run("on")["weights"]["from_disk"]);  // too few to be worth a file
  EXPECT_EQ(errors_, "");
  const json first = run("all");
  EXPECT_FALSE(first["weights"]["from_disk"]);
  EXPECT_THAT(errors_, AllOf(HasSubstr("MiB of packed weights are kept for the next start in"),
                             HasSubstr("--kept-weights off")));
  const json second = run("all");
  EXPECT_TRUE(second["weights"]["from_disk"]);
  EXPECT_EQ(second["text"], first["text"]);
  EXPECT_EQ(errors_, "");
  EXPECT_FALSE(run("off")["weights"]["from_disk"]);
  EXPECT_EQ(cache("verify").status, 0);
  EXPECT_THAT(run_burin({"cache", "ls", "--cache", folder()}).output,
              AllOf(HasSubstr("packed weights of " + kDemo), HasSubstr("weights of 1 models")));
  fs::path file;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder() + "/weights")) file = entry.path();
  fs::resize_file(file, fs::file_size(file) - 1);
  const CommandResult damaged = cache("verify");
  EXPECT_EQ(damaged.status, 1);
  EXPECT_EQ(damaged.json()["bad"], 1);
  EXPECT_FALSE(run("all")["weights"]["from_disk"]);
  EXPECT_THAT(errors_, AllOf(HasSubstr("packed anew"), HasSubstr("are kept for the next start")));
  EXPECT_TRUE(run("all")["weights"]["from_disk"]);
  EXPECT_EQ(cache("clear").status, 0);
  EXPECT_FALSE(fs::exists(file));
}

}  // namespace
}  // namespace burin::tests
