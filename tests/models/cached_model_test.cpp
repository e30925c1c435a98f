// Models with a kernel cache: loaded again, and by many threads at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "runtime/session.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

using testing::IsEmpty;

class CachedModel : public testing::Test {
 protected:
  std::shared_ptr<const Model> load() const {
    LoadOptions options;
    options.threads = 1;
    options.cache_folder = folder_ / "cache";
    return Model::load(BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf", options);
  }
  static std::vector<float> logits(std::shared_ptr<const Model> model) {
    Session session(std::move(model));
    const std::vector<TokenId> tokens = {1, 2, 3, 4, 5};
    session.evaluate(tokens);
    return {session.logits().begin(), session.logits().end()};
  }

  const tests::TemporaryFolder folder_;
};

TEST_F(CachedModel, ComputesTheSameFromDisk) {
  std::shared_ptr<const Model> model = load();
  const int kernels = model->statistics().kernels_emitted;
  EXPECT_GT(kernels, 5);
  const std::vector<float> expected = logits(std::move(model));
  const std::shared_ptr<const Model> again = load();
  EXPECT_EQ(again->statistics().kernels_emitted, 0);
  EXPECT_EQ(again->statistics().kernels_from_disk, kernels);
  EXPECT_EQ(logits(again), expected);
}

TEST_F(CachedModel, EightThreadsEmitOnce) {
  constexpr std::size_t kThreads = 8;
  std::vector<std::shared_ptr<const Model>> models(kThreads);
  std::vector<std::vector<float>> results(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      models[i] = load();
      results[i] = logits(models[i]);
    });
  for (std::thread& thread : threads) thread.join();
  int emitted = 0;
  for (std::size_t i = 0; i < kThreads; ++i) {
    emitted += models[i]->statistics().kernels_emitted;
    EXPECT_THAT(models[i]->statistics().notes, IsEmpty());
    EXPECT_EQ(results[i], results[0]);
  }
  models.clear();
  EXPECT_EQ(load()->statistics().kernels_from_disk, emitted);
}

TEST_F(CachedModel, WithoutAFolderNothingIsKept) {
  LoadOptions options;
  options.threads = 1;
  const auto model = Model::load(BURIN_SOURCE_DIR "/demo/shakespeare-q8_0.gguf", options);
  EXPECT_GT(model->statistics().kernels_emitted, 5);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace burin::runtime
