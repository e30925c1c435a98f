/// @file
/// Threads of the host for the library to compute on.
#pragma once

namespace burin {

/// Runs the bodies of a parallel section on threads that the host owns. Given one (LoadOptions::executor), a
/// model and its sessions start no thread for computing.
///
/// **The bodies of one call must truly run at once, each on a thread of its own.** They meet at barriers about
/// five times per decoder layer: a body that waits for the end of another one would wait for ever. So a task
/// queue with fewer free threads than `count` does not do; `count` threads that are set aside for the call, a
/// gang, do. A model or session whose executor does not bring the bodies together within five seconds when it
/// is made is refused with ErrorCode::failed.
///
/// While a body waits at a barrier it spins for at most 30 microseconds, then sleeps in the kernel. Between
/// calls nothing of the library runs on the host's threads; their affinity, priority, signal mask, rounding
/// mode and locale are never touched.
class Executor {
 public:
  virtual ~Executor() = default;

  /// The most bodies that run() can run at once; at least 1. Asked while models and sessions are made.
  virtual int concurrency() const noexcept = 0;

  /// Calls `body(context, i)` for every i from 0 to count - 1, all at once, and returns when all have
  /// returned; what they wrote must be visible then. The calling thread may be one of them. The same i on the
  /// same thread each time is best for the caches. Bodies throw nothing.
  ///
  /// Sessions that are used by several threads call this from several threads: a call may wait for the end of
  /// another, as long as the bodies of those that have begun all run.
  ///
  /// @param count 1 to concurrency()
  virtual void run(int count, void (*body)(void* context, int index), void* context) = 0;
};

}  // namespace burin
