#include "runtime/executor_gang.hpp"

#include <chrono>
#include <thread>

#include "jit/error.hpp"

namespace burin::runtime {
namespace {

constexpr std::chrono::seconds kLongestMeeting{5};

std::shared_ptr<Executor>& executor_of_this_thread() {
  thread_local std::shared_ptr<Executor> executor;
  return executor;
}

// Bodies that wait for each other, but not for ever.
struct Meeting {
  const int size;
  std::atomic<int> arrived{0};
  std::atomic<bool> failed{false};
};

void attend(void* context, int) {
  Meeting& meeting = *static_cast<Meeting*>(context);
  const auto end = std::chrono::steady_clock::now() + kLongestMeeting;
  meeting.arrived.fetch_add(1);
  while (meeting.arrived.load() < meeting.size && !meeting.failed.load()) {
    if (std::chrono::steady_clock::now() >= end) meeting.failed.store(true);
    std::this_thread::yield();
  }
}

}  // namespace

PoolsRunOn::PoolsRunOn(std::shared_ptr<Executor> executor)
    : before_(std::exchange(executor_of_this_thread(), std::move(executor))) {}

PoolsRunOn::~PoolsRunOn() { executor_of_this_thread() = std::move(before_); }

const std::shared_ptr<Executor>& PoolsRunOn::current() { return executor_of_this_thread(); }

ExecutorGang::ExecutorGang(std::shared_ptr<Executor> executor, int size)
    : executor_(std::move(executor)), size_(size) {
  if (const int most = executor_->concurrency(); size > most)
    fail("threads: {} are more than the {} that the executor runs at once: give fewer", size, most);
  require_meeting();
}

// The n-th body to begin is not thread n: a part of the work is best done where it was done before.
void ExecutorGang::run(void (*body)(void* context, int thread), void* context) {
  body_ = body;
  context_ = context;
  entered_.store(0);
  executor_->run(
      size_,
      [](void* self, int thread) {
        ExecutorGang& gang = *static_cast<ExecutorGang*>(self);
        if (thread < 0 || thread >= gang.size_) return;
        gang.entered_.fetch_add(1);
        gang.body_(gang.context_, thread);
      },
      this);
  if (const int entered = entered_.load(); entered != size_)
    fail("executor: {} of {} bodies were run: run each once and return when all are done", entered, size_);
}

void ExecutorGang::require_meeting() {
  Meeting meeting{size_};
  run(attend, &meeting);
  if (meeting.failed.load())
    fail("executor: does not run {} bodies at once: each needs a thread that is free for it", size_);
}

}  // namespace burin::runtime
