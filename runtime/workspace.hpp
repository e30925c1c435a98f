// The memory that one sequence is computed in, or rows of several.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/plan.hpp"
#include "runtime/expert_rows.hpp"
#include "runtime/kv/kv_cache.hpp"
#include "runtime/memory/huge_buffer.hpp"

namespace burin::runtime {

// Rows that are tokens of one sequence, one behind the other.
struct SequenceRows {
  const KvCache* kv = nullptr;
  std::int64_t first = 0;  // row of the buffers
  std::int64_t count = 0;
  std::int64_t position = 0;  // of the first one
};

// Everything but blocks of the KV cache is allocated here; running allocates nothing else.
class Workspace {
 public:
  // The first `keep` tokens of the sequence stay in the cache, whatever is discarded.
  Workspace(const graph::Plan& plan, int threads, std::int64_t keep);

  // Rows that are run belong to the sequences that were added since the latest call of clear_sequences(); of each,
  // `kv` must have room for them and show them.
  void clear_sequences() { sequences_.clear(); }
  void add_sequence(const SequenceRows& rows);
  std::span<const SequenceRows> sequences() const { return sequences_; }
  // Where the layer's keys and values go, for every row.
  const kernels::KvPlace* places(int layer) const { return places_[kv.ring_of(layer)].data(); }

  std::byte* arena() const { return arena_.data(); }
  std::byte* prepared() const { return prepared_.data(); }
  std::byte* scratch(int thread) const {
    return scratch_.data() + static_cast<std::size_t>(thread) * scratch_bytes_;
  }
  // Behind a prepared row at the scratch's start, and behind that.
  std::byte* own_rows(int thread) const { return scratch(thread) + prepared_row_bytes_; }
  // A row that was put in another order.
  float* ordered_row(int thread) const { return reinterpret_cast<float*>(own_rows(thread) + own_row_bytes_); }
  std::byte* attention_scratch(int thread) const {
    return own_rows(thread) + own_row_bytes_ + ordered_row_bytes_;
  }
  // What a GEMM works with (kernels::GemmArguments::scratch).
  std::byte* gemm_scratch(int thread) const { return attention_scratch(thread); }
  ExpertRows& expert_rows(int thread) { return expert_rows_[static_cast<std::size_t>(thread)]; }

  KvCache kv;
  std::vector<std::int32_t> tokens;           // of the chunk
  std::vector<std::int32_t> positions;        // of the chunk's rows
  std::vector<std::vector<float>> rotations;  // per Plan::ropes: rows of HeadLayout::rotation_row()
  std::vector<float> query_factors;           // of the chunk's rows, where Plan::log_context is
  std::vector<double> step_seconds;           // per group of BoundPlan
  bool measure = false;
  // Unfinished sums of the keys' parts, one behind the other, of the query heads that one call takes.
  std::byte* parts(std::int64_t call) const {
    return parts_.data() + static_cast<std::size_t>(call) * head_parts_bytes_;
  }
  std::vector<std::atomic<std::int64_t>> finished_parts;  // likewise
  std::atomic<std::int64_t> next_item{0};                 // of the attention step that runs
  // Of each thread's blocks in the GEMM step that runs, how many pieces were taken; 0 between steps.
  struct alignas(64) TakenPieces {
    std::atomic<std::int64_t> count{0};
  };
  std::vector<TakenPieces> taken_pieces;
  // Called by each of so many threads when it is through with a step whose work they share out as they come: true in the last
  // one, which makes the counters ready for the next such step. A barrier must follow before that.
  bool is_last_through(int threads) {
    if (finished_.fetch_add(1) != threads - 1) return false;
    finished_.store(0);
    return true;
  }

 private:
  std::atomic<int> finished_{0};
  std::vector<SequenceRows> sequences_;
  std::vector<std::vector<kernels::KvPlace>> places_;  // per ring of the cache
  HugeBuffer arena_;
  HugeBuffer prepared_;
  HugeBuffer scratch_;
  HugeBuffer parts_;
  std::vector<ExpertRows> expert_rows_;  // by thread
  std::size_t prepared_row_bytes_ = 0;
  std::size_t own_row_bytes_ = 0;
  std::size_t ordered_row_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
  std::size_t head_parts_bytes_ = 0;
};

}  // namespace burin::runtime
