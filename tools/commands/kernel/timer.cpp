#include "tools/commands/kernel/timer.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "jit/kernel_store.hpp"
#include "runtime/environment.hpp"
#include "tools/commands/bench/median.hpp"

namespace burin::tools {
namespace {

constexpr std::int64_t kLeastColdBytes = std::int64_t{256} << 20;
constexpr std::int64_t kMostColdBytes = std::int64_t{1} << 30;

// Twice the last cache.
std::size_t cold_bytes() {
  const std::int64_t cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return static_cast<std::size_t>(std::clamp(2 * cache, kLeastColdBytes, kMostColdBytes));
}

double seconds_of(jit::KernelEntry entry, const runtime::KernelCall& call, std::size_t first,
                  std::size_t passes) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t pass = first; pass < first + passes; ++pass) entry(call.arguments(pass));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
         static_cast<double>(passes);
}

// A value per batch.
struct Samples {
  std::vector<double> seconds, memory_share, dot_share, read_limit, dot_peak;

  void add(double batch_seconds, const runtime::KernelWork& work, const graph::MachineLimits& limits) {
    seconds.push_back(batch_seconds);
    memory_share.push_back(work.memory_seconds(limits) / batch_seconds);
    dot_share.push_back(work.dot_seconds(limits) / batch_seconds);
    read_limit.push_back(limits.read_bytes_per_second / 1e9);
    dot_peak.push_back(limits.int8_macs_per_second / 1e9);
  }

  KernelTime medians(const runtime::KernelCall& call) const {
    KernelTime time;
    time.rows = call.rows;
    time.work = call.work;
    time.seconds = median(seconds);
    time.memory_share = median(memory_share);
    time.dot_share = median(dot_share);
    time.read_gb_s = median(read_limit);
    time.dot_peak_gmac_s = median(dot_peak);
    const auto [shortest, longest] = std::minmax_element(seconds.begin(), seconds.end());
    time.scatter = (*longest - *shortest) / time.seconds;
    return time;
  }
};

const jit::Target& runnable(const jit::Target& target) {
  jit::require_host_can_run(target);
  return target;
}

}  // namespace

nlohmann::json to_json(const KernelTime& time) {
  return {{"rows", time.rows},
          {"seconds", time.seconds},
          {"bytes", time.work.bytes},
          {"macs", time.work.macs},
          {"gb_s", time.gb_s()},
          {"gmac_s", time.gmac_s()},
          {"bound", time.by_memory() ? "memory" : "arithmetic"},
          {"share_of_limit", time.share()},
          {"read_gb_s", time.read_gb_s},
          {"dot_peak_gmac_s", time.dot_peak_gmac_s},
          {"scatter", time.scatter}};
}

KernelTimer::KernelTimer(const jit::Target& target, const TimerEffort& effort)
    : target_(runnable(target)),
      effort_(effort),
      probe_(target, pool_, cold_bytes()),
      memory_(cold_bytes()) {}

graph::MachineLimits KernelTimer::probe_limits() {
  return graph::measured_limits(target_, probe_.read_gb_per_second(effort_.probed_bytes) * 1e9,
                                probe_.dot_peak_gmac_per_second(effort_.probe_rounds) * 1e9);
}

KernelTime KernelTimer::time(const kernels::KernelSpec& spec, std::int64_t rows) {
  jit::KernelStore store({{}, std::nullopt, true, runtime::code_tools()});
  const jit::KernelEntry entry = store.resolve({kernels::kernel_name(spec), target_.features},
                                               [&] { return kernels::emit_kernel(spec, target_); });
  const runtime::KernelCall call = runtime::make_kernel_call(spec, rows, memory_);
  // Where the kernel before has not been.
  auto pass = static_cast<std::size_t>(bytes_passed_ / std::max(call.work.bytes, 1.0));
  double seconds = seconds_of(entry, call, pass++, 1);  // touches what will be written
  if (seconds < effort_.batch_seconds) seconds = seconds_of(entry, call, pass++, 1);
  const auto passes = static_cast<std::size_t>(std::max(1.0, effort_.batch_seconds / seconds));
  Samples samples;
  for (int batch = 0; batch < effort_.batches; ++batch, pass += passes) {
    const graph::MachineLimits limits = probe_limits();
    samples.add(seconds_of(entry, call, pass, passes), call.work, limits);
  }
  bytes_passed_ = static_cast<double>(pass) * call.work.bytes;
  return samples.medians(call);
}

}  // namespace burin::tools
