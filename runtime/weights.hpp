// Packed weights of a plan in memory.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "graph/plan.hpp"
#include "runtime/files/model_file.hpp"
#include "runtime/memory/huge_buffer.hpp"
#include "runtime/packed_weights/weight_file.hpp"
#include "runtime/thread_pool.hpp"

namespace burin::runtime {

// Immutable once made; thread-safe to read.
struct Weights {
  HugeBuffer memory;                         // of the matrices
  std::unique_ptr<WeightFile> mapped;        // or what they are part of
  std::vector<const std::byte*> matrices;    // per Plan::matrices: block 0
  std::vector<std::vector<float>> biases;    // per matrix, in packed column order; empty without bias
  std::vector<std::vector<float>> vectors;   // per Plan::vectors, zero-padded
  std::vector<graph::RopeAttributes> ropes;  // as Plan::ropes, frequencies divided by the model's factors

  // Of weights in `memory`, before anybody reads them.
  std::byte* writable(std::size_t matrix) const;
};

// Memory for the plan's matrices, to be filled.
Weights allocate_weights(const graph::Plan& plan);

// Packs all matrices with the pool's threads; pages of the file are released as they are done with.
// progress is called with 0..1 from the calling thread; false cancels with a burin::Error.
Weights pack_weights(const graph::Plan& plan, const ModelFile& file, ThreadPool& pool,
                     const std::function<bool(double)>& progress);

// Weights whose matrices were packed before and kept; what is small is read from the model's file.
Weights mapped_weights(const graph::Plan& plan, const ModelFile& file, std::unique_ptr<WeightFile> mapped);

}  // namespace burin::runtime
