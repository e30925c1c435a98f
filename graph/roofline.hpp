// How long the steps of a plan take at least: the roofline model (Williams, Waterman & Patterson 2009).
//
//   time of a step = max(bytes / read bandwidth, multiply-adds / dot-product peak) + barrier
//
// Every byte of weights, cache and activations is taken to come from memory, once. Small models stay in the caches
// and are faster; kernels that wait, or threads without work, are slower.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "graph/machine_limits.hpp"
#include "graph/plan.hpp"

namespace burin::graph {

enum class Bound : std::uint8_t { memory, arithmetic, barrier };
std::string_view name_of(Bound bound);

// Multiply-adds per second of rows of the type.
double peak_of(kernels::Activation activation, const MachineLimits& limits);

// What a program is estimated for.
struct Load {
  std::int64_t rows = 1;
  std::int64_t position = 0;  // of the first row: so many positions are in the cache already
};

struct StepEstimate {
  std::uint64_t weights = 0;  // bytes
  std::uint64_t read = 0;     // of activations and the KV cache
  std::uint64_t written = 0;
  std::uint64_t cache_read = 0;  // of what is read and written, the KV cache's part
  std::uint64_t cache_written = 0;
  double macs = 0;
  double seconds = 0;
  Bound bound = Bound::memory;  // what most of the time goes to

  std::uint64_t bytes() const { return weights + read + written; }
};

// Multiply-adds are counted for matrices and attention; other steps only move bytes.
StepEstimate estimate(const Plan& plan, const Step& step, const Load& load, const MachineLimits& limits);

struct ProgramEstimate {
  std::vector<StepEstimate> steps;
  double seconds = 0;
};
// Threads meet at its end as well.
ProgramEstimate estimate(const Plan& plan, const Program& program, const Load& load,
                         const MachineLimits& limits);

// One token, and few, with a full context, and one chunk from an empty cache; the first and last with the logits of one row.
struct PlanEstimate {
  MachineLimits limits;
  Load decode_load, few_load, prefill_load, head_many_load;
  ProgramEstimate decode, head_one, few, prefill, head_many;

  double token_seconds() const { return decode.seconds + head_one.seconds; }
  double chunk_seconds() const { return prefill.seconds + head_one.seconds; }
};
PlanEstimate estimate(const Plan& plan, const MachineLimits& limits);

}  // namespace burin::graph
