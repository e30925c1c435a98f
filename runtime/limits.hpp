// What this machine can do at most, measured with emitted probes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jit/kernel_store.hpp"
#include "jit/target.hpp"
#include "runtime/memory/huge_buffer.hpp"
#include "runtime/thread_pool.hpp"

namespace burin::runtime {

// Reusable, so that probes can be interleaved with what they judge. Uses all threads of the pool at once.
class LimitProbe {
 public:
  // Allocates `bytes` of memory to read; more than the caches hold.
  LimitProbe(const jit::Target& target, ThreadPool& pool, std::size_t bytes = std::size_t{512} << 20);

  // 1e9 bytes; of all the memory, or of the next so many bytes of it.
  double read_gb_per_second(std::size_t most_bytes = SIZE_MAX);
  // int8 multiply-adds; the rounds of the default take about 20 ms.
  double dot_peak_gmac_per_second(std::int64_t rounds = 1'000'000);

 private:
  // Each thread on its part of the memory, `first` bytes behind its start.
  double run(jit::KernelEntry entry, std::size_t first, std::int64_t count);

  ThreadPool& pool_;
  jit::KernelStore store_;
  HugeBuffer memory_;
  std::size_t part_;      // of each thread
  std::size_t next_ = 0;  // byte of it that is read next
  jit::KernelEntry read_;
  jit::KernelEntry dot_;
  std::int64_t macs_per_round_;
};

}  // namespace burin::runtime
