#include "bench/bench_support.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace burin::bench {
namespace {

constexpr std::size_t kColdBytes = std::size_t{512}
                                   << 20;  // more than the caches hold, as the read probe has it

constexpr double kBatchSeconds = 5e-3;      // passes in a batch: enough for waking the threads not to count
constexpr double kLimitEverySeconds = 0.1;  // of passes: other users of the machine slow both alike

}  // namespace

Machine::Machine() : target_(jit::host_target()), pool_(0), probe_(target_, pool_) {}

Machine& Machine::get() {
  static Machine machine;
  return machine;
}

ColdCopies::ColdCopies(std::size_t copy_bytes, std::span<const std::byte> pattern)
    : copy_bytes_((copy_bytes + 63) / 64 * 64), copies_(kColdBytes / copy_bytes_ + 1) {
  static runtime::HugeBuffer memory;
  // Never less than smaller copies take: what is compared shares this memory, the larger first.
  const std::size_t bytes = kColdBytes + copy_bytes_;
  if (memory.size() < bytes) {
    memory = runtime::HugeBuffer();  // first give back, then take
    memory = runtime::HugeBuffer(bytes, "cold copies");
  }
  first_ = memory.data();
  Machine::get().pool().run([&](int thread) {
    const Share copies = share_of(static_cast<std::int64_t>(copies_), thread);
    for (std::int64_t copy = copies.first; copy < copies.last; ++copy) {
      std::byte* at = first_ + static_cast<std::size_t>(copy) * copy_bytes_;
      for (std::size_t filled = 0; filled < copy_bytes; filled += pattern.size())
        std::memcpy(at + filled, pattern.data(), std::min(pattern.size(), copy_bytes - filled));
    }
  });
}

std::vector<float> random_floats(std::size_t count, float size) {
  std::vector<float> values(count);
  std::uint64_t state = 1;
  for (float& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = size * (static_cast<float>(state >> 40) * 0x1p-23f - 1);
  }
  return values;
}

std::vector<std::byte> packed_block(const kernels::WeightFormat& format, std::int64_t inputs) {
  using namespace kernels;
  const std::vector<float> values = random_floats(static_cast<std::size_t>(kBlockColumns * inputs), 0.05f);
  const StoredMatrix matrix = {reinterpret_cast<const std::byte*>(values.data()), StoredType::f32,
                               kBlockColumns, inputs};
  std::vector<ColumnSource> columns;
  for (std::int32_t row = 0; row < kBlockColumns; ++row) columns.push_back({0, row});
  std::vector<std::byte> block(packed_shape(format, inputs, kBlockColumns).total_bytes);
  pack_blocks(format, inputs, {&matrix, 1}, columns, 0, 1, block.data());
  return block;
}

void run_row(benchmark::State& state, Limit limit, double units,
             const std::function<void(int, std::size_t)>& pass) {
  Machine& machine = Machine::get();
  std::size_t done = 0;
  const auto seconds_of = [&](std::size_t passes) {
    const auto begin = std::chrono::steady_clock::now();
    machine.pool().run([&](int thread) {
      for (std::size_t i = 0; i < passes; ++i) {
        pass(thread, done + i);
        machine.pool().barrier();
      }
    });
    done += passes;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  seconds_of(1);  // touches what will be written
  const auto batch = static_cast<std::size_t>(std::clamp(kBatchSeconds / seconds_of(1), 1.0, 100.0));

  double limits = machine.measure(limit);
  int limit_count = 1;
  double seconds = 0;
  double since_limit = 0;
  // The last batch is what is left, as repetitions must be of equally many iterations.
  auto left = static_cast<std::size_t>(state.max_iterations);
  const auto next = [&] { return std::clamp<std::size_t>(left, 1, batch); };
  for (std::size_t passes = next(); state.KeepRunningBatch(static_cast<std::int64_t>(passes));
       passes = next()) {
    const double elapsed = seconds_of(passes);
    left -= passes;
    state.SetIterationTime(elapsed);
    seconds += elapsed;
    since_limit += elapsed;
    if (since_limit < kLimitEverySeconds) continue;
    since_limit = 0;
    limits += machine.measure(limit);
    ++limit_count;
  }
  const double peak = (limits + machine.measure(limit)) / (limit_count + 1);
  const double rate = units * static_cast<double>(state.iterations()) / seconds / 1e9;
  state.counters[limit == Limit::read ? "GB/s" : "GMAC/s"] = rate;
  state.counters[limit == Limit::read ? "of_read_limit" : "of_dot_peak"] = rate / peak;
}

double time_ratio(const std::function<void(int, std::size_t)>& pass,
                  const std::function<void(int, std::size_t)>& other) {
  constexpr std::size_t kPairs = 301;
  constexpr double kSeconds = 3;  // or as many pairs as this takes
  const auto seconds_of = [](const std::function<void(int, std::size_t)>& work, std::size_t number) {
    const auto begin = std::chrono::steady_clock::now();
    Machine::get().pool().run([&](int thread) { work(thread, number); });
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  std::vector<double> ratios;
  double seconds = 0;
  for (std::size_t pair = 0; pair < kPairs && seconds < kSeconds; ++pair) {
    // Each is first as often as the other.
    const double first = seconds_of(pair % 2 == 0 ? pass : other, 2 * pair);
    const double second = seconds_of(pair % 2 == 0 ? other : pass, 2 * pair + 1);
    seconds += first + second;
    ratios.push_back(pair % 2 == 0 ? first / second : second / first);
  }
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  return *middle;
}

}  // namespace burin::bench
