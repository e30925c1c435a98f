// Times single kernels on one thread, next to what this machine allows at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "jit/target.hpp"
#include "runtime/limits.hpp"
#include "runtime/synthetic/kernel_call.hpp"

namespace burin::tools {

// Medians over batches of calls, each between probes of the limits, as other users of the machine slow both alike.
struct KernelTime {
  std::int64_t rows = 0;  // of a call
  runtime::KernelWork work;
  double seconds = 0;       // of a call
  double memory_share = 0;  // of the limits measured next to it: what it took at least, over what it took
  double dot_share = 0;
  double read_gb_s = 0;  // the limits
  double dot_peak_gmac_s = 0;
  double scatter = 0;  // longest less shortest batch, over the median

  bool by_memory() const { return memory_share >= dot_share; }
  double share() const { return by_memory() ? memory_share : dot_share; }
  double gb_s() const { return work.bytes / seconds / 1e9; }
  double gmac_s() const { return work.macs / seconds / 1e9; }
};
nlohmann::json to_json(const KernelTime& time);

struct TimerEffort {
  double batch_seconds;      // at least one call
  int batches;               // per kernel
  std::size_t probed_bytes;  // per batch
  std::int64_t probe_rounds;
};
// For one kernel: probes take about as long as batches.
inline constexpr TimerEffort kThorough = {2e-2, 11, std::size_t{128} << 20, 1'000'000};
// For thousands of them: some 30 ms each.
inline constexpr TimerEffort kQuick = {2e-3, 3, std::size_t{16} << 20, 50'000};

class KernelTimer {
 public:
  // Throws burin::Error where this host lacks what the target has.
  KernelTimer(const jit::Target& target, const TimerEffort& effort);

  // Calls with made-up operands of `rows` rows; 0: what is usual for the kind.
  KernelTime time(const kernels::KernelSpec& spec, std::int64_t rows);

 private:
  graph::MachineLimits probe_limits();

  jit::Target target_;
  TimerEffort effort_;
  runtime::ThreadPool pool_{1};
  runtime::LimitProbe probe_;
  runtime::ColdMemory memory_;
  double bytes_passed_ = 0;  // since the beginning
};

}  // namespace burin::tools
