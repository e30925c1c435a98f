#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "jit/error.hpp"
#include "runtime/thread_pool.hpp"

namespace burin::runtime {
namespace {

// Threads that call body(thread) at once and are joined.
template <typename Body>
void run_threads(int count, const Body& body) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < count; ++thread) threads.emplace_back([&body, thread] { body(thread); });
  for (std::thread& thread : threads) thread.join();
}

class BarrierOf : public testing::TestWithParam<int> {};

// Every round each thread writes its own plain cell and, past the barrier, reads all cells. A thread that got
// through early reads an old number, and under ThreadSanitizer races.
TEST_P(BarrierOf, HandsOverWhatAllThreadsWrote) {
  const int count = GetParam();
  const int rounds = count <= 2 ? 20000 : 2000;
  Barrier barrier(count);
  std::vector<int> cells(static_cast<std::size_t>(count), -1);
  std::vector<int> wrong(cells.size(), 0);
  run_threads(count, [&](int thread) {
    const auto own = static_cast<std::size_t>(thread);
    for (int round = 0; round < rounds; ++round) {
      cells[own] = round;
      barrier.wait();
      for (const int cell : cells) wrong[own] += cell != round;
      barrier.wait();
    }
  });
  for (const int errors : wrong) EXPECT_EQ(errors, 0);
}

// A different thread is late in each round, long enough for the others to fall asleep.
TEST_P(BarrierOf, WaitsForASleepyThread) {
  const int count = GetParam();
  Barrier barrier(count);
  int handed = 0;
  std::vector<int> seen(static_cast<std::size_t>(count), 0);
  run_threads(count, [&](int thread) {
    for (int round = 0; round < 3 * count; ++round) {
      if (round % count == thread) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        handed = round;
      }
      barrier.wait();
      seen[static_cast<std::size_t>(thread)] += handed == round;
      barrier.wait();
    }
  });
  for (const int rounds : seen) EXPECT_EQ(rounds, 3 * count);
}

INSTANTIATE_TEST_SUITE_P(Threads, BarrierOf, testing::Values(1, 2, 3, 4, 5, 6, 7, 8));

TEST(Barrier, RefusesLessThanOneThread) {
  EXPECT_THROW(Barrier(0), Error);
  EXPECT_THROW(Barrier(-3), Error);
}

}  // namespace
}  // namespace burin::runtime
