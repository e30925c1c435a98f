#include "graph/machine_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace burin::graph {
namespace {

using jit::Feature;

struct CpuRow {
  std::string_view name;
  double socket_gb_per_second;  // channels * 8 bytes * transfers
  double core_gb_per_second;    // one core's outstanding misses times a line over the latency
  double gigahertz;             // all cores under vector load
  double pace = 1;              // of what dot_rates has
};

// Servers with all channels filled, for haswell and alderlake desktops.
constexpr CpuRow kCpus[] = {
    {"haswell", 25.6, 14, 3.4},          // 2 x DDR3-1600
    {"alderlake", 76.8, 24, 4.5},        // 2 x DDR5-4800
    {"skylake-avx512", 128.0, 12, 2.4},  // 6 x DDR4-2666
    {"cascadelake", 140.8, 12, 2.6},     // 6 x DDR4-2933
    {"cooperlake", 153.6, 12, 2.6},      // 6 x DDR4-3200
    {"icelake-server", 204.8, 13, 2.7},  // 8 x DDR4-3200
    {"sapphirerapids", 307.2, 14, 2.6},  // 8 x DDR5-4800
    {"graniterapids", 614.4, 16, 2.8},   // 12 x DDR5-6400
    {"znver3", 204.8, 24, 3.0},          // 8 x DDR4-3200
    {"znver4", 460.8, 28, 3.1, 0.5},     // 12 x DDR5-4800; 512-bit instructions take two cycles
    {"znver5", 576.0, 32, 3.4},          // 12 x DDR5-6000
};

const CpuRow* find_cpu(std::string_view name) {
  const auto row =
      std::find_if(std::begin(kCpus), std::end(kCpus), [&](const CpuRow& r) { return r.name == name; });
  return row == std::end(kCpus) ? nullptr : row;
}

// The known CPU with most of the target's features and none besides; the oldest of equals.
const CpuRow& nearest_cpu(const jit::Target& target) {
  if (const CpuRow* row = find_cpu(target.name)) return *row;
  const CpuRow* nearest = kCpus;
  jit::FeatureSet best;
  for (const jit::NamedTarget& known : jit::known_targets()) {
    const CpuRow* row = find_cpu(known.name);
    const jit::FeatureSet features = jit::parse_target(known.name).features;
    if (row == nullptr || !target.features.contains(features) || best.contains(features)) continue;
    nearest = row;
    best = features;
  }
  return *nearest;
}

}  // namespace

DotRates dot_rates(const jit::Target& target) {
  // AVX2: two FMA ports of 8 lanes; bytes take vpmaddubsw, vpmaddwd and vpaddd for 32 products.
  DotRates rates = {2 * 32 / 3.0, 16, 16, 16};
  if (target.has(Feature::avxvnni)) rates.int8 = 2 * 32;
  if (target.has(Feature::avx512)) rates = {2 * 64 / 3.0, 32, 32, 32};
  if (target.has(Feature::avx512vnni)) rates.int8 = 2 * 64;
  if (target.has(Feature::avx512bf16)) rates.bf16 = 2 * 32;
  if (target.has(Feature::avx512fp16)) rates.f16 = 2 * 32;
  // A tile product of 16 x 16 x 64 bytes every 16 cycles.
  if (target.has(Feature::amx_int8)) rates.int8 = 1024;
  if (target.has(Feature::amx_bf16)) rates.bf16 = 512;
  if (target.has(Feature::amx_fp16)) rates.f16 = 512;
  return rates;
}

MachineLimits nominal_limits(const jit::Target& target, int threads) {
  const CpuRow& cpu = nearest_cpu(target);
  const DotRates rates = dot_rates(target);
  MachineLimits limits;
  limits.source = fmt::format("nominal figures of {}, not measured", cpu.name);
  limits.threads = threads > 0 ? threads : kNominalThreads;
  const double cores = limits.threads;
  const double cycles = cores * cpu.gigahertz * 1e9 * cpu.pace;
  limits.read_bytes_per_second = std::min(cpu.socket_gb_per_second, cores * cpu.core_gb_per_second) * 1e9;
  limits.int8_macs_per_second = cycles * rates.int8;
  limits.bf16_macs_per_second = cycles * rates.bf16;
  limits.f16_macs_per_second = cycles * rates.f16;
  limits.f32_macs_per_second = cycles * rates.f32;
  // Two cache-line transfers between cores, and one more for every thread that has to arrive.
  limits.barrier_seconds = limits.threads == 1 ? 0 : (0.3 + 0.06 * cores) * 1e-6;
  return limits;
}

MachineLimits measured_limits(const jit::Target& target, double read_bytes_per_second,
                              double int8_macs_per_second) {
  const DotRates rates = dot_rates(target);
  MachineLimits limits;
  limits.measured = true;
  limits.read_bytes_per_second = read_bytes_per_second;
  limits.int8_macs_per_second = int8_macs_per_second;
  limits.bf16_macs_per_second = int8_macs_per_second * rates.bf16 / rates.int8;
  limits.f16_macs_per_second = int8_macs_per_second * rates.f16 / rates.int8;
  limits.f32_macs_per_second = int8_macs_per_second * rates.f32 / rates.int8;
  return limits;
}

std::string to_text(const MachineLimits& limits) {
  return fmt::format(
      "{:.1f} GB/s read, {:.0f} int8 / {:.0f} bf16 / {:.0f} f32 GMAC/s, {:.2f} us a barrier, {}: {}",
      limits.read_bytes_per_second / 1e9, limits.int8_macs_per_second / 1e9,
      limits.bf16_macs_per_second / 1e9, limits.f32_macs_per_second / 1e9, limits.barrier_seconds * 1e6,
      limits.threads == 1 ? "1 thread" : fmt::format("{} threads", limits.threads), limits.source);
}

}  // namespace burin::graph
