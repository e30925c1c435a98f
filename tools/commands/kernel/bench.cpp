#include "tools/commands/kernel/bench.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "jit/kernel_store.hpp"
#include "runtime/limits.hpp"
#include "runtime/synthetic/kernel_call.hpp"
#include "tools/commands/bench/median.hpp"
#include "tools/common_options.hpp"

namespace burin::tools {
namespace {

constexpr std::size_t kColdBytes = std::size_t{256} << 20;  // more than the caches of one thread hold
constexpr double kBatchSeconds =
    2e-2;  // about as long as the probes: other users of the machine slow both alike
constexpr int kBatches = 11;

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
};

Samples measure(jit::KernelEntry entry, const runtime::KernelCall& call, const jit::Target& target) {
  runtime::ThreadPool pool(1);
  runtime::LimitProbe probe(target, pool, kColdBytes);
  seconds_of(entry, call, 0, 1);  // touches what will be written
  const auto passes = static_cast<std::size_t>(std::max(1.0, kBatchSeconds / seconds_of(entry, call, 1, 1)));
  Samples samples;
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    const graph::MachineLimits limits = graph::measured_limits(target, probe.read_gb_per_second() * 1e9,
                                                               probe.dot_peak_gmac_per_second() * 1e9);
    samples.add(seconds_of(entry, call, 2 + batch * passes, passes), call.work, limits);
  }
  return samples;
}

}  // namespace

void bench_kernel(const kernels::KernelSpec& spec, const jit::Target& target, std::int64_t rows, bool json) {
  jit::require_host_can_run(target);
  const std::string name = kernels::kernel_name(spec);
  jit::KernelStore store;
  const jit::KernelEntry entry =
      store.resolve({name, target.features}, [&] { return kernels::emit_kernel(spec, target); });
  const runtime::KernelCall call = runtime::make_kernel_call(spec, rows, kColdBytes);
  const Samples samples = measure(entry, call, target);
  const double seconds = median(samples.seconds);
  const double gb = call.work.bytes / seconds / 1e9;
  const double gmac = call.work.macs() / seconds / 1e9;
  const double memory_share = median(samples.memory_share);
  const double dot_share = median(samples.dot_share);
  const bool by_memory = memory_share >= dot_share;
  if (json) {
    print_json({{"name", name},
                {"target", target.name},
                {"rows", call.rows},
                {"seconds", seconds},
                {"bytes", call.work.bytes},
                {"macs", call.work.macs()},
                {"gb_s", gb},
                {"gmac_s", gmac},
                {"bound", by_memory ? "memory" : "arithmetic"},
                {"share_of_limit", std::max(memory_share, dot_share)},
                {"read_gb_s", median(samples.read_limit)},
                {"dot_peak_gmac_s", median(samples.dot_peak)}});
    return;
  }
  fmt::print("{}\ntarget {}, 1 thread, {}: {:.2f} us, {:.1f} GB/s, {:.1f} GMAC/s\n", name, target.name,
             call.rows == 1 ? "1 row" : fmt::format("{} rows", call.rows), seconds * 1e6, gb, gmac);
  fmt::print("{:.0f} % of what {} allows (reads {:.1f} GB/s, int8 dot products {:.0f} GMAC/s)\n",
             100 * std::max(memory_share, dot_share), by_memory ? "memory" : "arithmetic",
             median(samples.read_limit), median(samples.dot_peak));
}

}  // namespace burin::tools
