// Threads that run one function together, with a barrier cheap enough to use five times per layer.
#pragma once

#include <memory>
#include <type_traits>
#include <vector>

namespace burin::runtime {

// Spins briefly, then sleeps (futex): waiting for a late thread is fast, idling is free.
class Barrier {
 public:
  // Throws burin::Error for fewer than one.
  explicit Barrier(int threads);
  ~Barrier();
  Barrier(const Barrier&) = delete;
  // Returns when all threads have called it. All writes before it are visible after it.
  void wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Fixed threads; the caller of run() is thread 0. One run() at a time; nothing is locked for it.
// Workers are placed on the CPUs this process may use, one each and distinct cores first, where there are no
// more threads than CPUs; the caller is never pinned. Idle workers sleep. Signals sent to the process are
// left to its own threads. A pool that is made within PoolsRunOn (executor_gang.hpp) has no threads: its shares
// run on the executor's, the caller being any of them or none.
class ThreadPool {
 public:
  // threads <= 0: one per physical core among the CPUs the process may use (cgroup limits obeyed), or as many
  // as the executor runs at once.
  // Throws burin::Error for more than 1024, or where the system gives no more threads.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;

  int size() const;
  // Calls task(thread) for thread 0 .. size()-1 at once; returns when all are done. Allocates nothing.
  // An exception of a task is rethrown here after all have ended; a task that throws must not leave
  // others waiting at a barrier. Where several throw, it is the lowest thread's. Throws burin::Error while
  // another run() of this pool is under way, be it another thread's or the one whose task calls it; tasks may
  // use other pools.
  void run(void (*task)(void* context, int thread), void* context);
  template <typename Task>
  void run(Task&& task) {
    run([](void* context, int thread) { (*static_cast<std::remove_reference_t<Task>*>(context))(thread); },
        &task);
  }
  // For use inside run(): all size() threads meet.
  void barrier();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// CPUs that the calling thread, and the threads it starts, may run on (sched_getaffinity), ascending.
std::vector<int> allowed_cpus();
// One thread per physical core among them, or fewer under a CPU quota (cgroup v1/v2, rounded up).
int default_thread_count();

}  // namespace burin::runtime
