#include "runtime/thread_pool.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "jit/error.hpp"
#include "runtime/block_signals.hpp"
#include "runtime/cpu_topology.hpp"
#include "runtime/executor_gang.hpp"
#include "runtime/wait_word.hpp"

namespace burin::runtime {
namespace {

constexpr int kMostThreads = 1024;

// The CPU of each thread, distinct cores first; empty where there are more threads than CPUs. The CPU of
// thread 0 is only kept free for it: it begins with the one the caller is on now, so that no worker is
// placed there.
std::vector<int> place_threads(int threads) {
  std::vector<int> cpus = allowed_cpus();
  if (static_cast<std::size_t>(threads) > cpus.size()) return {};
  const auto here = std::find(cpus.begin(), cpus.end(), sched_getcpu());
  if (here != cpus.end()) std::rotate(cpus.begin(), here, here + 1);
  return order_by_core(cpus).cpus;
}

// Where the kernel refuses (the CPU may have gone offline), the thread goes on unpinned: placement is for
// speed only.
void pin_this_thread(int cpu) {
  const std::size_t count = static_cast<std::size_t>(cpu) + 1;
  const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(count),
                                                             [](cpu_set_t* mask) { CPU_FREE(mask); });
  const std::size_t bytes = CPU_ALLOC_SIZE(count);
  CPU_ZERO_S(bytes, set.get());
  CPU_SET_S(static_cast<std::size_t>(cpu), bytes, set.get());
  pthread_setaffinity_np(pthread_self(), bytes, set.get());
}

int checked_thread_count(int threads) {
  if (threads > kMostThreads) fail("threads: {} is more than {}: give fewer", threads, kMostThreads);
  if (threads > 0) return threads;
  const std::shared_ptr<Executor>& executor = PoolsRunOn::current();
  return std::min(executor ? std::max(executor->concurrency(), 1) : default_thread_count(), kMostThreads);
}

// The one run of a pool that there may be. Refuses instead of waiting: a task would wait for itself, and whoever
// shares a pool between threads is better told so than slowed down.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& in_use) : in_use_(in_use) {
    if (in_use.exchange(true, std::memory_order_acquire))
      fail(
          "thread pool: run() was called while a run of the same pool is under way: give each thread, and "
          "each "
          "task, a pool (or session) of its own");
  }
  ~Turn() { in_use_.store(false, std::memory_order_release); }
  Turn(const Turn&) = delete;

 private:
  std::atomic<bool>& in_use_;
};

}  // namespace

// One run, seen from the words that threads wait on (both count runs):
//
//     caller   set task, started = n | own share           | wait for finished == n | rethrow
//     worker   wait for started == n | its share, --running | (the last one: finished = n)
struct ThreadPool::State {
  explicit State(int threads)
      : size(threads),
        spin_time(spin_time_for(threads)),
        team(threads),
        errors(static_cast<std::size_t>(threads)) {
    if (PoolsRunOn::current()) gang.emplace(PoolsRunOn::current(), threads);
  }
  ~State();
  State(const State&) = delete;

  void start_workers();
  void work(int thread);
  void run_on_workers();
  void run_share(int thread);
  void rethrow_first_error();

  const int size;
  const std::chrono::nanoseconds spin_time;
  Barrier team;
  std::atomic<bool> in_use{false};  // throughout a run

  // Written by the caller before `started`, read by workers after it.
  void (*task)(void*, int) = nullptr;
  void* context = nullptr;
  bool stopping = false;

  // Written by thread i before it decrements `running`.
  std::vector<std::exception_ptr> errors;

  alignas(64) WaitWord started;
  alignas(64) std::atomic<int> running{0};
  alignas(64) WaitWord finished;

  std::vector<std::thread> workers;
  std::optional<ExecutorGang> gang;  // instead of workers
};

ThreadPool::State::~State() {
  stopping = true;
  started.set(started.load() + 1);
  for (std::thread& worker : workers) worker.join();
}

void ThreadPool::State::start_workers() {
  const std::vector<int> cpus = place_threads(size);
  const BlockProcessSignals guard;
  workers.reserve(static_cast<std::size_t>(size) - 1);
  for (int thread = 1; thread < size; ++thread) {
    const int cpu = cpus.empty() ? -1 : cpus[static_cast<std::size_t>(thread)];
    workers.emplace_back([this, thread, cpu] {
      pthread_setname_np(pthread_self(), ("burin-" + std::to_string(thread)).c_str());
      if (cpu >= 0) pin_this_thread(cpu);
      work(thread);
    });
  }
}

void ThreadPool::State::work(int thread) {
  for (std::uint32_t seen = 0;; ++seen) {
    started.wait_while(seen, spin_time);
    if (stopping) return;
    run_share(thread);
    if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) finished.set(seen + 1);
  }
}

void ThreadPool::State::run_on_workers() {
  const std::uint32_t before = finished.load();
  running.store(size - 1, std::memory_order_relaxed);
  if (size > 1) started.set(before + 1);
  run_share(0);
  if (size > 1) finished.wait_while(before, spin_time);
}

void ThreadPool::State::run_share(int thread) {
  try {
    task(context, thread);
  } catch (...) {
    errors[static_cast<std::size_t>(thread)] = std::current_exception();
  }
}

// Of several exceptions the lowest thread's, so that the same failure always tells the same.
void ThreadPool::State::rethrow_first_error() {
  std::exception_ptr first;
  for (std::exception_ptr& error : errors) {
    if (error && !first) first = error;
    error = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>(checked_thread_count(threads))) {
  try {
    if (!state_->gang) state_->start_workers();
    run([](int) {});  // starting allocates: once all have, nothing that a later run does can
  } catch (const std::system_error& error) {
    fail("threads: {} cannot be started: {}: give fewer", state_->size, error.code().message());
  }
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::size() const { return state_->size; }

void ThreadPool::run(void (*task)(void* context, int thread), void* context) {
  State& state = *state_;
  const Turn turn(state.in_use);
  state.task = task;
  state.context = context;
  if (state.gang)
    state.gang->run([](void* pool, int thread) { static_cast<ThreadPool::State*>(pool)->run_share(thread); },
                    &state);
  else
    state.run_on_workers();
  state.rethrow_first_error();
}

void ThreadPool::barrier() { state_->team.wait(); }

}  // namespace burin::runtime
