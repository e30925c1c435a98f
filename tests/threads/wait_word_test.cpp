#include "runtime/wait_word.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace burin::runtime {
namespace {

using std::chrono::nanoseconds;

TEST(WaitWord, DoesNotWaitForWhatHasHappened) {
  WaitWord word;
  word.set(7);
  word.wait_while(6, nanoseconds{0});
  EXPECT_EQ(word.load(), 7u);
}

// Two threads hand a number to and fro. With no time to spin every wait races with a wake-up: one lost
// wake-up and the test hangs.
void play_ping_pong(nanoseconds spin_time) {
  constexpr std::uint32_t kRounds = 5000;
  WaitWord ping;
  WaitWord pong;
  std::uint32_t payload = 0;
  std::thread other([&] {
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      ping.wait_while(round, spin_time);
      payload += 1;
      pong.set(round + 1);
    }
  });
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    payload += 1;
    ping.set(round + 1);
    pong.wait_while(round, spin_time);
  }
  other.join();
  EXPECT_EQ(payload, 2 * kRounds);
}

TEST(WaitWord, LosesNoWakeUpAsleep) { play_ping_pong(nanoseconds{0}); }
TEST(WaitWord, LosesNoWakeUpAtTheEdgeOfSleep) { play_ping_pong(nanoseconds{1}); }
TEST(WaitWord, LosesNoWakeUpSpinning) { play_ping_pong(kSpinTime); }

TEST(WaitWord, WakesAllSleepers) {
  WaitWord word;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 4; ++i) sleepers.emplace_back([&word] { word.wait_while(0, nanoseconds{0}); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  word.set(1);
  for (std::thread& sleeper : sleepers) sleeper.join();
}

TEST(SpinTime, IsZeroForMoreThreadsThanCpus) {
  EXPECT_EQ(spin_time_for(1), kSpinTime);
  EXPECT_EQ(spin_time_for(1'000'000), nanoseconds{0});
}

}  // namespace
}  // namespace burin::runtime
