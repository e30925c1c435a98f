#include "runtime/machine_limits.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "runtime/limits.hpp"

namespace burin::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBarriers = 100;
constexpr int kTimes = 3;  // of which the best counts: threads may be late
constexpr std::int64_t kDotRounds = 100'000;
constexpr std::int64_t kLeastBytes = std::int64_t{16} << 20;
constexpr std::int64_t kMostBytes = std::int64_t{64} << 20;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Twice the last cache, within what can be touched and read in some milliseconds.
std::size_t bytes_to_read() {
  const std::int64_t cache = std::max<std::int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE), 0);
  return static_cast<std::size_t>(std::clamp(2 * cache, kLeastBytes, kMostBytes));
}

double barrier_seconds(ThreadPool& pool) {
  if (pool.size() == 1) return 0;
  const auto begin = Clock::now();
  pool.run([&](int) {
    for (int i = 0; i < kBarriers; ++i) pool.barrier();
  });
  return seconds_since(begin) / kBarriers;
}

}  // namespace

graph::MachineLimits measure_limits(const jit::Target& target, int threads) {
  const auto begin = Clock::now();
  ThreadPool pool(threads);
  LimitProbe probe(target, pool, bytes_to_read());
  double read = 0;
  double dots = 0;
  double barrier = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTimes; ++i) {
    read = std::max(read, probe.read_gb_per_second() * 1e9);
    dots = std::max(dots, probe.dot_peak_gmac_per_second(kDotRounds) * 1e9);
    barrier = std::min(barrier, barrier_seconds(pool));
  }
  graph::MachineLimits limits = graph::measured_limits(target, read, dots);
  limits.threads = pool.size();
  limits.barrier_seconds = barrier;
  limits.source = fmt::format("measured on this machine in {:.0f} ms", seconds_since(begin) * 1e3);
  return limits;
}

}  // namespace burin::runtime
