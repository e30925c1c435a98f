// A number that threads wait on: they spin for a moment, then sleep in the kernel (futex).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace burin::runtime {

// How long a waiting thread spins before it sleeps. Falling asleep and being woken costs some ten
// microseconds: spinning about as long never costs more than twice the best choice made in hindsight.
constexpr std::chrono::nanoseconds kSpinTime{30'000};

// Zero where more threads than CPUs take part: whoever spins then keeps the awaited thread off its CPU.
std::chrono::nanoseconds spin_time_for(int threads);

// Thread-safe. Everything written before set() is visible to a thread that has seen the new number.
class WaitWord {
 public:
  std::uint32_t load() const { return value_.load(std::memory_order_acquire); }

  // Sets the number and wakes the sleepers; without sleepers this makes no system call.
  void set(std::uint32_t value);

  // Returns once the number differs from `old`.
  void wait_while(std::uint32_t old, std::chrono::nanoseconds spin_time);

 private:
  bool spin_while(std::uint32_t old, std::chrono::nanoseconds spin_time) const;
  void sleep_while(std::uint32_t old);

  std::atomic<std::uint32_t> value_{0};
  std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace burin::runtime
