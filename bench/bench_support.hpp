// What all rows share: the machine with its limits, and memory that no cache holds.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "jit/kernel_store.hpp"
#include "jit/spec_text.hpp"
#include "jit/target.hpp"
#include "runtime/limits.hpp"
#include "runtime/memory/huge_buffer.hpp"
#include "runtime/thread_pool.hpp"
#include "templates/formats/packing.hpp"

namespace burin::bench {

// What a row is judged against. dot is the int8 multiply-add peak, also for kernels that compute in f32 or
// bf16: one yardstick, so that rows can be compared.
enum class Limit : std::uint8_t { read, dot };

// Target, threads (one per core the process may use: taskset chooses), probes and kernels of this run.
class Machine {
 public:
  static Machine& get();

  const jit::Target& target() const { return target_; }
  runtime::ThreadPool& pool() { return pool_; }
  int threads() const { return pool_.size(); }
  double measure(Limit limit) {
    return limit == Limit::read ? probe_.read_gb_per_second() : probe_.dot_peak_gmac_per_second();
  }
  template <typename Spec, typename Emit>
  jit::KernelEntry resolve(const Spec& spec, Emit emit) {
    return store_.resolve({jit::spec_text(spec), target_.features}, [&] { return emit(spec, target_); });
  }

 private:
  Machine();

  jit::Target target_;
  runtime::ThreadPool pool_;
  runtime::LimitProbe probe_;
  jit::KernelStore store_;
};

// As in a model with many layers, every pass finds its weights or cache in memory, not in the caches left by
// the pass before: copies of the same bytes, one after the other, used in turn.
class ColdCopies {
 public:
  // Copies of `copy_bytes` each, filled with the pattern over and over. Memory is kept from row to row.
  ColdCopies(std::size_t copy_bytes, std::span<const std::byte> pattern);

  std::byte* operator[](std::size_t pass) const { return first_ + copy_bytes_ * (pass % copies_); }
  std::size_t size() const { return copies_; }

 private:
  std::byte* first_;
  std::size_t copy_bytes_;
  std::size_t copies_;
};

// Part `thread` of [0, count).
struct Share {
  std::int64_t first;
  std::int64_t last;
  std::int64_t count() const { return last - first; }
};
inline Share share_of(std::int64_t count, int thread) {
  const int threads = Machine::get().threads();
  return {count * thread / threads, count * (thread + 1) / threads};
}

std::vector<float> random_floats(std::size_t count, float size = 1);
// One column block of random weights: all blocks of a matrix may be alike, only their addresses matter.
std::vector<std::byte> packed_block(const kernels::WeightFormat& format, std::int64_t inputs);

// Times passes of all threads together and reports `units` (bytes or multiply-adds of one pass) per second,
// as a number and as a share of the limit measured in between. `pass` gets the thread and the number of the
// pass; threads meet after it, as after a step of a plan. Rows must be registered with UseManualTime().
void run_row(benchmark::State& state, Limit limit, double units,
             const std::function<void(int, std::size_t)>& pass);

// How much longer passes take than others: the median ratio of pairs, one after the other, so that a machine that gets
// slower in between makes no difference.
double time_ratio(const std::function<void(int, std::size_t)>& pass,
                  const std::function<void(int, std::size_t)>& other);

// One row under the kernel's own name.
template <typename Spec, typename Row>
benchmark::internal::Benchmark* add_row(const Spec& spec, Row row) {
  return benchmark::RegisterBenchmark(jit::spec_text(spec).c_str(), row)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

// Each defined in the file of its kind.
void add_gemm_rows();
void add_attention_rows();
void add_prepare_rows();
void add_embed_rows();
void add_route_rows();
void add_manifest_rows();
void add_tokenizer_rows();

}  // namespace burin::bench
