#include "runtime/limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "jit/spec_text.hpp"
#include "templates/probe/probe_spec.hpp"

namespace burin::runtime {
namespace {

constexpr std::size_t kPassMultiple = 4096;

jit::KernelEntry resolve(jit::KernelStore& store, kernels::Probe probe, const jit::Target& target) {
  const kernels::ProbeSpec spec = {probe};
  return store.resolve({jit::spec_text(spec), target.features},
                       [&] { return kernels::emit_probe(spec, target); });
}

}  // namespace

LimitProbe::LimitProbe(const jit::Target& target, ThreadPool& pool, std::size_t bytes)
    : pool_(pool),
      memory_(bytes, "limit probe"),
      part_(bytes / static_cast<std::size_t>(pool.size()) / kPassMultiple * kPassMultiple),
      read_(resolve(store_, kernels::Probe::read, target)),
      dot_(resolve(store_, kernels::Probe::dot_int8, target)),
      macs_per_round_(kernels::dot_probe_macs_per_round(target)) {
  // Touched by the threads that read it, and not zero: zero pages could be shared.
  pool_.run(
      [&](int thread) { std::memset(memory_.data() + part_ * static_cast<std::size_t>(thread), 1, part_); });
}

double LimitProbe::run(jit::KernelEntry entry, std::size_t first, std::int64_t count) {
  const auto begin = std::chrono::steady_clock::now();
  pool_.run([&](int thread) {
    const kernels::ProbeArguments arguments = {
        memory_.data() + part_ * static_cast<std::size_t>(thread) + first, count};
    entry(&arguments);
  });
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double LimitProbe::read_gb_per_second(std::size_t most_bytes) {
  const auto threads = static_cast<std::size_t>(pool_.size());
  const std::size_t bytes =
      std::clamp(most_bytes / threads / kPassMultiple * kPassMultiple, kPassMultiple, part_);
  if (next_ + bytes > part_) next_ = 0;
  const double seconds = run(read_, next_, static_cast<std::int64_t>(bytes));
  next_ += bytes;
  return static_cast<double>(bytes * threads) / seconds / 1e9;
}

double LimitProbe::dot_peak_gmac_per_second(std::int64_t rounds) {
  const double macs = static_cast<double>(rounds * macs_per_round_) * pool_.size();
  return macs / run(dot_, 0, rounds) / 1e9;
}

}  // namespace burin::runtime
