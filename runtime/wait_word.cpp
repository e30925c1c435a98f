#include "runtime/wait_word.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "runtime/cpu_topology.hpp"

namespace burin::runtime {
namespace {

// A `pause` takes from 10 to 140 cycles, depending on the CPU; the clock, read once per so many of them,
// makes the spinning equally long everywhere.
constexpr int kPausesPerClockReading = 32;

}  // namespace

std::chrono::nanoseconds spin_time_for(int threads) {
  return threads > usable_cpu_count() ? std::chrono::nanoseconds{0} : kSpinTime;
}

// Sleeper and waker each write one word and then read the other's: the sleeper counts itself and then
// looks at the number, the waker sets the number and then looks at the count. As both do so in sequentially
// consistent order, at least one of them sees the other, so no wake-up is lost:
//
//     sleeper: ++sleepers_; value_ == old? sleep        waker: value_ = new; sleepers_ != 0? wake
//
// The kernel compares the number once more under its own lock before it puts the thread to sleep.
void WaitWord::set(std::uint32_t value) {
  value_.store(value, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0) {
    syscall(SYS_futex, &value_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }
}

void WaitWord::wait_while(std::uint32_t old, std::chrono::nanoseconds spin_time) {
  if (load() != old) return;
  if (spin_time.count() > 0 && spin_while(old, spin_time)) return;
  sleep_while(old);
}

// True where the number changed in time.
bool WaitWord::spin_while(std::uint32_t old, std::chrono::nanoseconds spin_time) const {
  using Clock = std::chrono::steady_clock;
  Clock::time_point end{};  // the first round goes without a clock: most waits end in it
  while (true) {
    for (int i = 0; i < kPausesPerClockReading; ++i) {
      if (load() != old) return true;
      __builtin_ia32_pause();
    }
    const Clock::time_point now = Clock::now();
    if (end == Clock::time_point{}) end = now + spin_time;
    if (now >= end) return false;
  }
}

void WaitWord::sleep_while(std::uint32_t old) {
  static_assert(sizeof(value_) == sizeof(std::uint32_t) && decltype(value_)::is_always_lock_free,
                "the kernel reads the atomic as a plain 32-bit word");
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (value_.load(std::memory_order_seq_cst) == old) {
    // Returns at once where the number has changed, and early for signals: hence the loop.
    syscall(SYS_futex, &value_, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
  }
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace burin::runtime
