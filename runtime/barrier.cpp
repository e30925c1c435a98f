// A barrier in the manner of Mellor-Crummey and Scott's central sense-reversing one ("Algorithms for
// Scalable Synchronization on Shared-Memory Multiprocessors", 1991), with a counting phase as the sense.
#include <atomic>
#include <cstdint>

#include "jit/error.hpp"
#include "runtime/thread_pool.hpp"
#include "runtime/wait_word.hpp"

namespace burin::runtime {

// Arrivals and the phase have a cache line each: arriving threads do not disturb those that spin.
struct Barrier::State {
  explicit State(int count) : threads(count), spin_time(spin_time_for(count)), missing(count) {}

  const int threads;
  const std::chrono::nanoseconds spin_time;
  alignas(64) std::atomic<int> missing;
  alignas(64) WaitWord phase;
};

Barrier::Barrier(int threads) {
  if (threads < 1) fail("barrier: {} threads cannot meet: give at least 1", threads);
  state_ = std::make_unique<State>(threads);
}

Barrier::~Barrier() = default;

void Barrier::wait() {
  State& state = *state_;
  // The phase cannot move on before this thread has arrived, so it is read early.
  const std::uint32_t phase = state.phase.load();
  if (state.missing.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    state.phase.wait_while(phase, state.spin_time);
    return;
  }
  // The last one to arrive. Nobody touches `missing` until the new phase is seen.
  state.missing.store(state.threads, std::memory_order_relaxed);
  state.phase.set(phase + 1);
}

}  // namespace burin::runtime
