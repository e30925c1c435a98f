// Many processes and threads on one cache folder, some of them killed while they write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "jit/cache_folder.hpp"
#include "jit/kernel_store.hpp"
#include "tests/jit/disk_cache_fixture.hpp"
#include "tests/support/child_process.hpp"

namespace burin::jit {
namespace {

using testing::IsEmpty;
using tests::ChildProcess;
using tests::in_child;

// Long enough to be written in pieces.
CodeImage long_image(int number) {
  CodeImage image = image_that_stores("kernel " + std::to_string(number), static_cast<std::uint8_t>(number));
  image.bytes.resize(20'000 + static_cast<std::size_t>(number), 0x90);
  return image;
}

class CacheProcesses : public DiskCacheTest {
 protected:
  // Loads or stores at random; true where everything loaded is right and nothing was odd.
  bool work(int rounds, int first) const {
    DiskCache cache(options());
    bool right = true;
    for (int i = 0; i < rounds; ++i) {
      const CodeImage image = long_image((first + i) % 5);
      const std::optional<CodeImage> loaded = cache.load(key_of(image));
      right = right && (!loaded || loaded->bytes == image.bytes);
      if (!loaded || i % 3 == 0) cache.store(key_of(image), image);
      if (i % 50 == 0) cache.trim();
    }
    return right && cache.notes().empty();
  }
};

TEST_F(CacheProcesses, RacingProcessesSeeWholeImagesOnly) {
  const ChildProcess one([&] { return work(1000, 0); });
  const ChildProcess two([&] { return work(1000, 2); });
  EXPECT_EQ(one.wait(), 0);
  EXPECT_EQ(two.wait(), 0);
  EXPECT_EQ(list_cache(options().folder).size(), 5u);
}

TEST_F(CacheProcesses, KillsAtEveryStepLeaveWholeImagesOnly) {
  for (int step = 0; step < kWriteSteps; ++step) {
    clear_cache(options().folder);
    const CodeImage image = long_image(step);
    const int status = in_child([&] {
      DiskCacheOptions deadly = options();
      deadly.before_step = [&](WriteStep at) {
        if (static_cast<int>(at) == step) kill(getpid(), SIGKILL);
        return 0;
      };
      DiskCache(deadly).store(key_of(image), image);
      return true;
    });
    ASSERT_EQ(status, 128 + SIGKILL) << step;
    DiskCache cache(options());
    EXPECT_FALSE(cache.load(key_of(image)).has_value()) << step;
    cache.store(key_of(image), image);
    EXPECT_TRUE(cache.load(key_of(image)).has_value()) << step;
    EXPECT_THAT(cache.notes(), IsEmpty()) << step;
  }
}

TEST_F(CacheProcesses, KillsAtAnyMomentLeaveWholeImagesOnly) {
  for (int i = 0; i < 40; ++i) {
    const pid_t process = fork();
    if (process == 0) {
      while (true) work(100, i);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500 + 137 * i));
    kill(process, SIGKILL);
    int status = 0;
    waitpid(process, &status, 0);
    EXPECT_TRUE(work(10, i)) << i;
  }
}

TEST_F(CacheProcesses, ThreadsShareOneCache) {
  DiskCache cache(options());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const CodeImage image = long_image((t + i) % 5);
        const std::optional<CodeImage> loaded = cache.load(key_of(image));
        if (loaded && loaded->bytes != image.bytes) ++wrong;
        if (!loaded || i % 5 == 0) cache.store(key_of(image), image);
        if (i % 20 == 0) cache.trim();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(cache.notes(), IsEmpty());
}

// Eight models loaded at once: stores of their own, one emission of each kernel.
TEST_F(CacheProcesses, ThreadsWithStoresOfTheirOwnEmitOnce) {
  constexpr int kThreads = 8;
  constexpr int kKernels = 20;
  std::vector<std::atomic<int>> emitted(kKernels);
  std::vector<std::unique_ptr<KernelStore>> stores;
  for (int t = 0; t < kThreads; ++t) stores.push_back(std::make_unique<KernelStore>(sources()));
  std::atomic<bool> go = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      while (!go) std::this_thread::yield();
      for (int i = 0; i < kKernels; ++i) {
        const CodeImage image = long_image(i);
        const KernelEntry entry = stores[static_cast<std::size_t>(t)]->resolve(key_of(image), [&] {
          ++emitted[static_cast<std::size_t>(i)];
          std::this_thread::sleep_for(std::chrono::microseconds(200));
          return image;
        });
        if (stored_by(entry) != i) ++wrong;
      }
      stores[static_cast<std::size_t>(t)]->write_back();
    });
  go = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (const std::atomic<int>& count : emitted) EXPECT_EQ(count, 1);
  KernelCounts all;
  for (const std::unique_ptr<KernelStore>& store : stores) {
    all.emitted += store->counts().emitted;
    all.shared += store->counts().shared;
    EXPECT_THAT(store->notes(), IsEmpty());
  }
  EXPECT_EQ(all.emitted, kKernels);
  EXPECT_EQ(all.shared, kKernels * (kThreads - 1));
  stores.clear();

  KernelStore next(sources());
  for (int i = 0; i < kKernels; ++i) {
    const CodeImage image = long_image(i);
    next.resolve(key_of(image), [&]() -> CodeImage { throw std::logic_error("emitted again"); });
  }
  EXPECT_EQ(next.counts().from_disk, kKernels);
}

}  // namespace
}  // namespace burin::jit
