// The store emits a kernel once, whoever asks.
#include "jit/kernel_store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "jit/error.hpp"
#include "tests/jit/made_images.hpp"

namespace burin::jit {
namespace {

CodeImage must_not_be_called() {
  ADD_FAILURE() << "emitted again";
  return image_that_stores("again", 0);
}

TEST(KernelStore, EmitsOncePerName) {
  KernelStore store;
  const KernelEntry one = store.resolve({"one", {}}, [] { return image_that_stores("one", 1); });
  const KernelEntry two = store.resolve({"two", {}}, [] { return image_that_stores("two", 2); });
  EXPECT_NE(one, two);
  EXPECT_EQ(store.resolve({"one", {}}, must_not_be_called), one);
  EXPECT_EQ(store.resolve({"two", {}}, must_not_be_called), two);
  EXPECT_EQ(stored_by(one), 1);
  EXPECT_EQ(stored_by(two), 2);
  EXPECT_EQ(store.emitted(), 2);
}

TEST(KernelStore, EntriesStayValid) {
  KernelStore store;
  std::vector<KernelEntry> entries;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "kernel " + std::to_string(i);
    entries.push_back(
        store.resolve({name, {}}, [&] { return image_that_stores(name, static_cast<std::uint8_t>(i)); }));
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stored_by(entries[static_cast<std::size_t>(i)]), i);
}

TEST(KernelStore, CountsWhatItEmitted) {
  KernelStore store;
  EXPECT_EQ(store.emitted(), 0);
  EXPECT_EQ(store.counts().code_bytes, 0u);
  EXPECT_EQ(store.counts().emit_milliseconds, 0.0);
  const auto slow = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return image_that_stores("slow", 1);
  };
  store.resolve({"slow", {}}, slow);
  EXPECT_EQ(store.counts().code_bytes, 7u);
  EXPECT_GE(store.counts().emit_milliseconds, 5.0);
  const double milliseconds = store.counts().emit_milliseconds;
  store.resolve({"slow", {}}, slow);
  EXPECT_EQ(store.counts().emit_milliseconds, milliseconds);
  EXPECT_EQ(store.counts().code_bytes, 7u);
}

// A kernel that could not be emitted is not there, and the store works on.
TEST(KernelStore, ErrorsOfTheEmitterPassThrough) {
  KernelStore store;
  const auto refuse = []() -> CodeImage { fail("kernel x: cannot be emitted"); };
  EXPECT_THROW(store.resolve({"x", {}}, refuse), Error);
  EXPECT_EQ(store.emitted(), 0);
  EXPECT_EQ(stored_by(store.resolve({"x", {}}, [] { return image_that_stores("x", 4); })), 4);
}

TEST(KernelStore, EmitsOnceForManyThreads) {
  constexpr int kNames = 40;
  constexpr int kThreads = 8;
  KernelStore store;
  std::vector<std::atomic<int>> emitted(kNames);
  std::vector<std::vector<KernelEntry>> entries(kThreads);
  std::vector<std::string> names;
  for (int i = 0; i < kNames; ++i) names.push_back(std::to_string(i));
  std::atomic<bool> go = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      while (!go) std::this_thread::yield();
      for (int i = 0; i < kNames; ++i)
        entries[static_cast<std::size_t>(t)].push_back(
            store.resolve({names[static_cast<std::size_t>(i)], {}}, [&, i] {
              ++emitted[static_cast<std::size_t>(i)];
              // Long enough for the others to ask for the same kernel.
              std::this_thread::sleep_for(std::chrono::microseconds(200));
              return image_that_stores("", static_cast<std::uint8_t>(i));
            }));
    });
  go = true;
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kNames; ++i) {
    EXPECT_EQ(emitted[static_cast<std::size_t>(i)], 1) << i;
    for (const std::vector<KernelEntry>& of_thread : entries) {
      EXPECT_EQ(of_thread[static_cast<std::size_t>(i)], entries[0][static_cast<std::size_t>(i)]);
      EXPECT_EQ(stored_by(of_thread[static_cast<std::size_t>(i)]), i);
    }
  }
  EXPECT_EQ(store.emitted(), kNames);
}

}  // namespace
}  // namespace burin::jit
