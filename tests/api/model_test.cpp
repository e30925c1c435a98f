// Loading through the public API.
#include <gmock/gmock.h>

#include "tests/api/demo_model.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::tests {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Result<Model> load_with(const std::function<void(LoadOptions&)>& change) {
  LoadOptions options = quiet_options();
  change(options);
  return Model::load(kDemo, options);
}

TEST(ApiModel, TellsWhatItIs) {
  const Model model = demo_model();
  EXPECT_EQ(model.vocabulary_size(), 512);
  EXPECT_EQ(model.context_length(), 1024);
  EXPECT_EQ(model.threads(), 2);
  EXPECT_FALSE(model.target().empty());
  EXPECT_GT(model.statistics().kernels_emitted, 5);
  EXPECT_GT(model.statistics().weight_bytes, 1'000'000);
}

TEST(ApiModel, EmitsAsTheBuildCan) {  // tests/without_emitter has the other one
  EXPECT_TRUE(has_emitter());
  EXPECT_TRUE(LoadOptions().emit);
}

TEST(ApiModel, FilesThatCannotBeLoadedAreNamed) {
  const TemporaryFolder folder;
  EXPECT_TRUE(fails(Model::load((folder / "none.gguf").string()), ErrorCode::load_failed, "none.gguf"));
  EXPECT_TRUE(fails(Model::load(folder.write("bad.gguf", "GGUF, but no more").string()),
                    ErrorCode::load_failed, "bad.gguf"));
  EXPECT_TRUE(fails(Model::load(""), ErrorCode::load_failed, ""));
}

TEST(ApiModel, OptionsOutOfRangeAreNamed) {
  const auto refused = [](const std::function<void(LoadOptions&)>& change, const std::string& part) {
    return fails(load_with(change), ErrorCode::invalid_argument, part);
  };
  EXPECT_TRUE(refused([](LoadOptions& o) { o.threads = -1; }, "threads: -1"));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.threads = 1025; }, "threads: 1025"));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.context = -1; }, "context: -1"));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.chunk = 0; }, "chunk: 0"));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.target = "pdp11"; }, "pdp11"));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.compute = "int3"; }, "compute 'int3'"));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.kv = "int3"; }, "kv 'int3'"));
  EXPECT_TRUE(refused([](LoadOptions& o) { o.emit = false; }, "emit: false"));
}

TEST(ApiModel, MissingKernelsAreAFailureToLoad) {
  const TemporaryFolder folder;
  EXPECT_TRUE(fails(load_with([&](LoadOptions& o) {
                      o.emit = false;
                      o.cache_folder = folder.path().string();
                    }),
                    ErrorCode::load_failed, ""));
}

TEST(ApiModel, KernelsAreKeptInTheCacheFolder) {
  const TemporaryFolder folder;
  const auto use_folder = [&](LoadOptions& options) { options.cache_folder = (folder / "cache").string(); };
  const int kernels = value_of(load_with(use_folder)).statistics().kernels_emitted;
  const LoadStatistics again = value_of(load_with(use_folder)).statistics();
  EXPECT_EQ(again.kernels_from_disk, kernels);
  EXPECT_EQ(again.kernels_emitted, 0);
}

TEST(ApiModel, PackedWeightsAreKeptInTheCacheFolder) {
  const TemporaryFolder folder;
  const auto keep = [&](LoadOptions& options) {
    options.cache_folder = (folder / "cache").string();
    options.kept_weights = true;
  };
  const Model first = value_of(load_with(keep));
  EXPECT_FALSE(first.statistics().weights_from_disk);
  EXPECT_TRUE(value_of(first.keep_weights()));
  const Model second = value_of(load_with(keep));
  EXPECT_TRUE(second.statistics().weights_from_disk);
  EXPECT_TRUE(value_of(second.keep_weights()));
  const std::vector<TokenId> prompt = {1, 2, 3};
  EXPECT_EQ(value_of(second.generate(prompt, {.max_new_tokens = 8})),
            value_of(first.generate(prompt, {.max_new_tokens = 8})));
  EXPECT_FALSE(value_of(value_of(load_with([](LoadOptions&) {})).keep_weights()));
  std::filesystem::permissions(folder / "cache/weights", std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  EXPECT_TRUE(fails(first.keep_weights(), ErrorCode::failed, "others may write to it"));
}

TEST(ApiModel, ProgressGrowsToOne) {
  std::vector<double> shares;
  ASSERT_TRUE(load_with([&](LoadOptions& o) { o.on_progress = [&](double s) { shares.push_back(s); }; }));
  ASSERT_GT(shares.size(), 10u);
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_EQ(shares.front(), 0.0);
  EXPECT_EQ(shares.back(), 1.0);
}

TEST(ApiModel, LoadingCanBeCancelledAtAnyMatrix) {
  for (const int last : {0, 1, 7}) {
    int asked = 0;
    const auto model = load_with([&](LoadOptions& o) { o.should_cancel = [&] { return asked++ == last; }; });
    EXPECT_TRUE(fails(model, ErrorCode::cancelled, "cancelled"));
    EXPECT_EQ(asked, last + 1);
  }
}

TEST(ApiModel, WhatCallbacksThrowIsAFailure) {
  const auto thrower = [](double share) {
    if (share > 0.5) throw std::runtime_error("the window\nis gone");
  };
  EXPECT_TRUE(fails(load_with([&](LoadOptions& o) { o.on_progress = thrower; }), ErrorCode::callback_threw,
                    "on_progress: threw an exception: the window"));
  EXPECT_TRUE(fails(load_with([&](LoadOptions& o) { o.should_cancel = []() -> bool { throw 1; }; }),
                    ErrorCode::callback_threw, "should_cancel: threw something"));
  EXPECT_TRUE(fails(load_with([&](LoadOptions& o) {
                      o.on_log = [](LogLevel, std::string_view) { throw std::bad_alloc(); };
                    }),
                    ErrorCode::callback_threw, "on_log"));
}

TEST(ApiModel, LogsLinesThroughTheCallback) {
  std::vector<std::pair<LogLevel, std::string>> lines;
  const auto log = [&](LogLevel level, std::string_view line) { lines.emplace_back(level, line); };
  ASSERT_TRUE(load_with([&](LoadOptions& o) {
    o.on_log = log;
    o.cache_folder = "/proc/no/cache/can/be/here";
  }));
  std::string warnings;
  std::string infos;
  for (const auto& [level, line] : lines) {
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    if (level == LogLevel::warn) warnings += line;
    if (level == LogLevel::info) infos += line;
  }
  EXPECT_THAT(warnings, HasSubstr("/proc/no/cache"));
  EXPECT_THAT(infos, HasSubstr("kernels emitted"));
}

TEST(ApiModel, MovedFromHandlesAreRefused) {
  Model model = demo_model();
  const Model other = std::move(model);
  EXPECT_EQ(model.vocabulary_size(), 0);  // NOLINT: this is what is tested
  EXPECT_EQ(model.target(), "");          // NOLINT
  EXPECT_TRUE(fails(model.tokenizer(), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(Session::create(model), ErrorCode::invalid_argument, "moved"));
  EXPECT_TRUE(fails(model.generate(std::vector<TokenId>{1}), ErrorCode::invalid_argument, "moved"));
  EXPECT_EQ(other.vocabulary_size(), 512);
}

TEST(ApiModel, TokenizerOutlivesTheModel) {
  const DemoReference reference = demo_reference();
  const Tokenizer tokenizer = value_of(demo_model().tokenizer());
  EXPECT_EQ(value_of(tokenizer.encode(reference.prompt)), reference.tokens);
  EXPECT_EQ(value_of(tokenizer.decode(reference.greedy)), reference.greedy_text);
  EXPECT_EQ(tokenizer.vocabulary_size(), 512u);
  EXPECT_FALSE(tokenizer.ends_text(50));
}

TEST(ApiModel, TokenizerLoadsWithoutWeights) {
  const Tokenizer tokenizer = value_of(Tokenizer::load(kDemo));
  EXPECT_EQ(value_of(tokenizer.encode(demo_reference().prompt)), demo_reference().tokens);
  EXPECT_EQ(value_of(tokenizer.token_bytes(50)), "R");
  EXPECT_TRUE(fails(tokenizer.token_bytes(512), ErrorCode::invalid_argument, "512"));
  EXPECT_TRUE(fails(tokenizer.decode(std::vector<TokenId>{-1}), ErrorCode::invalid_argument, "-1"));
  EXPECT_TRUE(fails(Tokenizer::load("/none"), ErrorCode::load_failed, "/none"));
}

}  // namespace
}  // namespace burin::tests
