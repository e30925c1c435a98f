// What the handles of the public API hold.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "burin/burin.hpp"
#include "runtime/api/failures.hpp"
#include "runtime/executor_gang.hpp"
#include "runtime/sampling/sampler.hpp"
#include "runtime/session.hpp"

namespace burin::api {

struct ModelState {
  std::shared_ptr<const runtime::Model> model;
  std::shared_ptr<Executor> executor;  // null: the library's own threads
};

// Throws with ErrorCode::invalid_argument for what does not fit the context.
runtime::SessionOptions session_options(const SessionOptions& options, const runtime::Model& model);
// Throws with ErrorCode::invalid_argument.
runtime::Sampler make_sampler(const SamplingOptions& options, const runtime::Model& model);

struct SessionState {
  SessionState(std::shared_ptr<const ModelState> shared, const SessionOptions& options);
  // A fork.
  explicit SessionState(const SessionState& other);

  const runtime::Model& model() const { return *shared->model; }

  std::shared_ptr<const ModelState> shared;
  std::unique_ptr<runtime::Session> session;
  runtime::Sampler sampler;
  bool has_logits = false;
  std::atomic<bool> in_use{false};
  std::atomic<bool> cancelled{false};  // what runs is to end
};

// The object behind a handle. Throws where it was moved away.
template <typename Pointer>
auto& deref(const Pointer& pointer, const char* what) {
  if (pointer == nullptr)
    refuse(ErrorCode::invalid_argument, "{}: it was moved away: use the object it was moved to", what);
  return *pointer;
}

// One thread's use of a session, for the length of a call. Refuses instead of waiting: the sequence would not be
// what the second caller thinks.
class Use {
 public:
  explicit Use(SessionState& state) : state_(state) {
    if (state.in_use.exchange(true, std::memory_order_acquire))
      refuse(ErrorCode::busy,
             "session: another call is under way: give each thread, and each callback, a session of its own");
    state.cancelled.store(false, std::memory_order_relaxed);
  }
  ~Use() { state_.in_use.store(false, std::memory_order_release); }
  Use(const Use&) = delete;

 private:
  SessionState& state_;
};

}  // namespace burin::api
