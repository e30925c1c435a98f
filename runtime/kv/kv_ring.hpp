// Which slots of a layer's KV cache the tokens of a sequence are in.
//
// A token's position is its number among all tokens fed, so that differences of positions are what RoPE, ALiBi and
// windows want, and stored keys never change. The first `keep` slots are for tokens that stay (attention sinks, Xiao et
// al., StreamingLLM, 2024), the others are a ring. After `removed` tokens behind the sinks were discarded, the sinks count
// as if they had been fed so much later: they lie right before the oldest token that is left.
//
//   keep 2, capacity 8, 11 tokens fed, 4 removed:
//
//     slot        0   1 | 2   3   4   5   6   7
//     token fed   0   1 | 8   9  10   .   6   7       slot 5 held token 5, which is gone
//     position    4   5 | 8   9  10       6   7
//
// No more than three runs of slots hold consecutive positions: the sinks, [6, 8) before the wrap, [2, 5) behind it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "templates/attention/attention_spec.hpp"

namespace burin::runtime {

class KeySpans {
 public:
  void add(const kernels::KeySpan& span) { spans_[static_cast<std::size_t>(count_++)] = span; }
  std::span<const kernels::KeySpan> get() const { return {spans_.data(), static_cast<std::size_t>(count_)}; }

 private:
  std::array<kernels::KeySpan, 3> spans_;
  int count_ = 0;
};

struct KvRing {
  std::int64_t keep = 0;
  std::int64_t capacity = 0;  // slots, with those of the sinks; more than keep

  // Of the next token's position.
  std::int64_t slot_of(std::int64_t position) const;
  // How many tokens from `position` on lie in consecutive slots.
  std::int64_t slots_in_a_row(std::int64_t position) const { return capacity - slot_of(position); }
  // The slots in use end here when tokens up to `position` (exclusive) were stored.
  std::int64_t end_of_slots(std::int64_t position) const { return position < capacity ? position : capacity; }

  // What rows position .. position + rows - 1 (in consecutive slots, stored already) may see. A span may hold keys
  // behind a row's own. Where `by_distance` is false, only slots are right, not distances: that takes one span less, and
  // a single row sees a full ring as one span, wherever it wraps.
  KeySpans spans(std::int64_t position, std::int64_t rows, std::int64_t removed, bool by_distance) const;
};

}  // namespace burin::runtime
