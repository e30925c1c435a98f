#include "runtime/kv/kv_ring.hpp"

#include <algorithm>

namespace burin::runtime {

std::int64_t KvRing::slot_of(std::int64_t position) const {
  return position < capacity ? position : keep + (position - keep) % (capacity - keep);
}

KeySpans KvRing::spans(std::int64_t position, std::int64_t rows, std::int64_t removed,
                       bool by_distance) const {
  KeySpans spans;
  const std::int64_t end = position + rows;
  if (removed == 0 && end <= capacity) {
    spans.add({0, end, 0});
    return spans;
  }
  const std::int64_t oldest = std::max(removed + keep, end - (capacity - keep));
  const std::int64_t first_slot = slot_of(oldest);
  const std::int64_t row_slot = slot_of(position);
  const bool wrapped = first_slot > row_slot;
  kernels::KeySpan newest = {wrapped ? keep : first_slot, row_slot + rows, position - row_slot};
  if (wrapped && !by_distance && rows == 1 && first_slot == newest.end_slot) {
    spans.add({0, capacity, position - (capacity - 1)});
    return spans;
  }
  const bool with_sinks = newest.first_slot == keep && (!by_distance || newest.shift == removed);
  if (with_sinks)
    newest.first_slot = 0;
  else if (keep > 0)
    spans.add({0, keep, removed});
  if (wrapped) spans.add({first_slot, capacity, oldest - first_slot});
  spans.add(newest);
  return spans;
}

}  // namespace burin::runtime
