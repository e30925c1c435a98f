#include "runtime/thread_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "jit/error.hpp"
#include "tests/support/allocation_watch.hpp"

namespace burin::runtime {
namespace {

using testing::Each;
using testing::HasSubstr;

std::vector<int> counters(int count) { return std::vector<int>(static_cast<std::size_t>(count), 0); }

int& at(std::vector<int>& values, int index) { return values[static_cast<std::size_t>(index)]; }

std::vector<int> affinity_of_this_thread() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  pthread_getaffinity_np(pthread_self(), sizeof set, &set);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

class PoolOf : public testing::TestWithParam<int> {};

TEST_P(PoolOf, CallsEveryThreadOncePerRun) {
  ThreadPool pool(GetParam());
  ASSERT_EQ(pool.size(), GetParam());
  std::vector<int> calls = counters(pool.size());
  for (int run = 1; run <= 500; ++run) {
    pool.run([&](int thread) { ++at(calls, thread); });
    ASSERT_THAT(calls, Each(run));  // all have ended, and what they wrote is visible
  }
}

TEST_P(PoolOf, ThreadZeroIsTheCaller) {
  ThreadPool pool(GetParam());
  std::vector<std::thread::id> ids(static_cast<std::size_t>(pool.size()));
  pool.run([&](int thread) { ids[static_cast<std::size_t>(thread)] = std::this_thread::get_id(); });
  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_EQ(std::set<std::thread::id>(ids.begin(), ids.end()).size(), ids.size());
}

// A prefix sum in log2(threads) steps: every step reads what others wrote in the step before.
TEST_P(PoolOf, BarrierSeparatesTheStepsOfATask) {
  ThreadPool pool(GetParam());
  std::vector<int> sums = counters(pool.size());
  std::vector<int> next = counters(pool.size());
  for (int run = 0; run < 100; ++run) {
    pool.run([&](int thread) {
      at(sums, thread) = thread + 1;
      for (int distance = 1; distance < pool.size(); distance *= 2) {
        pool.barrier();
        at(next, thread) = at(sums, thread) + (thread >= distance ? at(sums, thread - distance) : 0);
        pool.barrier();
        at(sums, thread) = at(next, thread);
      }
    });
    for (int thread = 0; thread < pool.size(); ++thread) {
      ASSERT_EQ(at(sums, thread), (thread + 1) * (thread + 2) / 2);
    }
  }
}

TEST_P(PoolOf, RethrowsTheLowestThreadsExceptionAfterAllHaveEnded) {
  ThreadPool pool(GetParam());
  const int last = pool.size() - 1;
  std::vector<int> calls = counters(pool.size());
  for (int first = 0; first <= last; ++first) {
    std::string message;
    try {
      pool.run([&](int thread) {
        ++at(calls, thread);
        if (thread >= first) throw std::runtime_error(std::to_string(thread));
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_EQ(message, std::to_string(first));
    EXPECT_THAT(calls, Each(first + 1));
  }
  EXPECT_NO_THROW(pool.run([](int) {}));  // nothing is left of it
}

TEST_P(PoolOf, RunAllocatesNothing) {
  ThreadPool pool(GetParam());
  pool.run([](int) {});  // the workers have started: starting a thread may allocate
  std::vector<int> calls = counters(pool.size());
  EXPECT_EQ(tests::allocations_of([&] {
              for (int run = 0; run < 50; ++run) {
                pool.run([&](int thread) {
                  ++at(calls, thread);
                  pool.barrier();
                });
              }
            }),
            0);
  EXPECT_THAT(calls, Each(50));
  EXPECT_EQ(tests::allocations_of([] { ::operator delete(::operator new(1)); }), 1) << "nothing is counted";
}

TEST_P(PoolOf, RefusesASecondCallerWhileARunIsUnderWay) {
  ThreadPool pool(GetParam());
  std::atomic<bool> first_is_inside{false};
  std::atomic<bool> second_is_done{false};
  std::vector<int> calls = counters(pool.size());
  std::thread first([&] {
    pool.run([&](int thread) {
      first_is_inside = true;
      while (!second_is_done) std::this_thread::yield();
      ++at(calls, thread);
    });
  });
  while (!first_is_inside) std::this_thread::yield();
  EXPECT_THROW(pool.run([](int) { FAIL() << "the second run began"; }), Error);
  second_is_done = true;
  first.join();
  EXPECT_THAT(calls, Each(1));
  EXPECT_NO_THROW(pool.run([](int) {}));
}

INSTANTIATE_TEST_SUITE_P(Threads, PoolOf, testing::Values(1, 2, 3, 5, 8));

TEST(ThreadPool, OtherPoolsMayBeUsedInsideATask) {
  ThreadPool outer(3);
  std::array<ThreadPool, 3> inner = {ThreadPool(2), ThreadPool(2), ThreadPool(2)};  // one per task
  std::vector<int> calls = counters(6);
  for (int run = 0; run < 50; ++run) {
    outer.run([&](int thread) {
      inner.at(static_cast<std::size_t>(thread)).run([&](int other) { ++at(calls, 2 * thread + other); });
    });
  }
  EXPECT_THAT(calls, Each(50));
}

TEST(ThreadPool, RefusesARunInsideItsOwnTaskInsteadOfWaitingForEver) {
  ThreadPool pool(2);
  ThreadPool other(2);
  for (int culprit = 0; culprit < 2; ++culprit) {
    EXPECT_THROW(pool.run([&](int thread) {
      if (thread == culprit) pool.run([](int) {});
    }),
                 Error);
    // Also by way of another pool, where it may be a thread that `pool` has never seen.
    EXPECT_THROW(pool.run([&](int thread) {
      if (thread != culprit) return;
      other.run([&](int inner) {
        if (inner == 1) pool.run([](int) {});
      });
    }),
                 Error);
  }
  EXPECT_NO_THROW(pool.run([](int) {}));
}

TEST(ThreadPool, PoolsThatAreNeverUsedEnd) {
  for (int i = 0; i < 50; ++i) ThreadPool pool(1 + i % 5);
}

TEST(ThreadPool, DefaultSizeIsWhatTheProcessMayUse) {
  EXPECT_EQ(ThreadPool(0).size(), default_thread_count());
  EXPECT_EQ(ThreadPool(-1).size(), default_thread_count());
  EXPECT_GE(default_thread_count(), 1);
  EXPECT_LE(default_thread_count(), static_cast<int>(allowed_cpus().size()));
}

TEST(ThreadPool, RefusesAbsurdSizes) {
  try {
    ThreadPool pool(1'000'000);
    FAIL() << "a million threads were started";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("1000000"));
  }
}

TEST(ThreadPool, PlacesWorkersOnDistinctAllowedCpusAndLeavesTheCallerAlone) {
  const std::vector<int> allowed = allowed_cpus();
  const std::vector<int> before = affinity_of_this_thread();
  const int size = std::min(4, static_cast<int>(allowed.size()));
  ThreadPool pool(size);
  std::vector<std::vector<int>> cpus(static_cast<std::size_t>(size));
  pool.run([&](int thread) { cpus[static_cast<std::size_t>(thread)] = affinity_of_this_thread(); });
  EXPECT_EQ(affinity_of_this_thread(), before);
  EXPECT_EQ(cpus[0], before);
  std::set<int> used;
  for (std::size_t worker = 1; worker < cpus.size(); ++worker) {
    ASSERT_EQ(cpus[worker].size(), 1u);
    EXPECT_THAT(allowed, testing::Contains(cpus[worker][0]));
    EXPECT_TRUE(used.insert(cpus[worker][0]).second) << "two workers on CPU " << cpus[worker][0];
  }
}

TEST(ThreadPool, MoreThreadsThanCpusAreNotPinned) {
  const int size = static_cast<int>(allowed_cpus().size()) + 1;
  if (size > 64) GTEST_SKIP() << "skipped: too many CPUs to outnumber";
  ThreadPool pool(size);
  std::vector<std::vector<int>> cpus(static_cast<std::size_t>(size));
  pool.run([&](int thread) { cpus[static_cast<std::size_t>(thread)] = affinity_of_this_thread(); });
  EXPECT_THAT(cpus, Each(affinity_of_this_thread()));
}

// A narrower mask of the thread that makes the pool is obeyed (what taskset and numactl set).
TEST(ThreadPool, ObeysTheAffinityOfItsMaker) {
  const int only = allowed_cpus().back();
  std::thread maker([only] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(only), &set);
    ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof set, &set), 0);
    EXPECT_EQ(allowed_cpus(), std::vector<int>{only});
    EXPECT_EQ(default_thread_count(), 1);
    ThreadPool pool(3);
    std::vector<std::vector<int>> cpus(3);
    pool.run([&](int thread) { cpus[static_cast<std::size_t>(thread)] = affinity_of_this_thread(); });
    EXPECT_THAT(cpus, Each(std::vector<int>{only}));
  });
  maker.join();
}

// Signals sent to the process are for the host's threads; faults stay open (a SIGILL handler must see them).
TEST(ThreadPool, WorkersLeaveTheProcessesSignalsToTheHost) {
  ThreadPool pool(2);
  std::vector<int> interrupt = counters(2);
  std::vector<int> fault = counters(2);
  pool.run([&](int thread) {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    at(interrupt, thread) = sigismember(&blocked, SIGINT);
    at(fault, thread) = sigismember(&blocked, SIGILL);
  });
  EXPECT_EQ(interrupt, (std::vector<int>{0, 1}));
  EXPECT_EQ(fault, (std::vector<int>{0, 0}));
}

double cpu_seconds(clockid_t clock) {
  timespec time{};
  EXPECT_EQ(clock_gettime(clock, &time), 0);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// A pool that fits the CPUs, whose workers spin before they sleep, and one that does not, whose workers sleep
// at once.
TEST(ThreadPool, IdleWorkersUseNoCpu) {
  for (const int size : {2, static_cast<int>(allowed_cpus().size()) + 1}) {
    ThreadPool pool(size);
    std::vector<clockid_t> clocks(static_cast<std::size_t>(size));
    pool.run([&](int thread) {
      pthread_getcpuclockid(pthread_self(), &clocks[static_cast<std::size_t>(thread)]);
    });
    std::vector<double> before;
    for (const clockid_t clock : clocks) before.push_back(cpu_seconds(clock));
    std::this_thread::sleep_for(std::chrono::seconds(1));
    for (std::size_t worker = 1; worker < clocks.size(); ++worker) {
      EXPECT_LT(cpu_seconds(clocks[worker]) - before[worker], 0.2) << "worker " << worker << " of " << size;
    }
  }
}

}  // namespace
}  // namespace burin::runtime
