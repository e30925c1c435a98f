#include "runtime/kv/kv_cache.hpp"

#include <algorithm>

#include "runtime/share.hpp"

namespace burin::runtime {
namespace {

using kernels::kKvBlock;

// Windows of the layers, in order.
std::vector<std::int64_t> windows_of(const graph::Plan& plan) {
  std::vector<std::int64_t> windows(static_cast<std::size_t>(plan.layers), 0);
  for (const graph::Step& step : plan.decode)
    if (const auto* spec = std::get_if<kernels::AttentionSpec>(&step.spec))
      windows[static_cast<std::size_t>(step.layer)] = spec->window;
  return windows;
}

}  // namespace

std::int64_t kv_capacity(const graph::PlanOptions& options, std::int64_t window, std::int64_t keep) {
  if (window == 0) return options.context;
  // A chunk's rows are stored before the first of them looks back.
  const std::int64_t slots = keep + window - 1 + options.chunk;
  return std::min(options.context, round_up_quotient(slots, kKvBlock) * kKvBlock);
}

KvCache::KvCache(const graph::Plan& plan, std::int64_t keep) : keep_(keep) {
  for (const std::int64_t window : windows_of(plan)) add_layer(plan, window);
  for (Ring& ring : rings_) {
    const auto blocks = static_cast<std::size_t>(round_up_quotient(ring.shape.capacity, kKvBlock));
    ring.blocks.resize(blocks);
    ring.table.resize(blocks, nullptr);
  }
}

void KvCache::add_layer(const graph::Plan& plan, std::int64_t window) {
  const std::int64_t capacity = kv_capacity(plan.options, window, keep_);
  const auto same = [&](const Ring& ring) { return ring.shape.capacity == capacity; };
  const auto found = std::find_if(rings_.begin(), rings_.end(), same);
  const auto number = static_cast<std::size_t>(found - rings_.begin());
  if (found == rings_.end()) {
    rings_.emplace_back();
    rings_.back().shape = {keep_, capacity};
  }
  Ring& ring = rings_[number];
  if (capacity < plan.options.context) ring.window = std::max(ring.window, window);
  layers_.push_back({number, static_cast<std::int64_t>(ring.block_bytes)});
  ring.block_bytes += static_cast<std::size_t>(plan.heads.layer_block_bytes());
}

std::int64_t KvCache::slots_in_a_row(std::int64_t position) const {
  std::int64_t slots = INT64_MAX;
  for (const Ring& ring : rings_) slots = std::min(slots, ring.shape.slots_in_a_row(position));
  return slots;
}

void KvCache::own(Ring& ring, std::int64_t first_slot, std::int64_t end_slot) {
  for (std::int64_t number = first_slot / kKvBlock; number * kKvBlock < end_slot; ++number) {
    const auto i = static_cast<std::size_t>(number);
    if (ring.blocks[i].empty())
      ring.blocks[i] = KvBlock(ring.block_bytes);
    else if (!ring.blocks[i].alone())
      ring.blocks[i] = ring.blocks[i].copy();
    ring.table[i] = ring.blocks[i].data();
  }
}

void KvCache::make_room(std::int64_t position, std::int64_t rows) {
  for (Ring& ring : rings_) {
    const std::int64_t slot = ring.shape.slot_of(position);
    own(ring, slot, slot + rows);
  }
}

void KvCache::make_all_room() {
  for (Ring& ring : rings_) own(ring, 0, ring.shape.capacity);
}

void KvCache::own_sinks() {
  for (Ring& ring : rings_) own(ring, 0, keep_);
}

void KvCache::show(std::int64_t position, std::int64_t rows, std::int64_t removed) {
  for (Ring& ring : rings_) {
    ring.slot = ring.shape.slot_of(position);
    ring.end = ring.shape.end_of_slots(position + rows);
    for (const bool by_distance : {false, true})
      ring.spans[by_distance ? 1 : 0] = ring.shape.spans(position, rows, removed, by_distance);
  }
}

void KvCache::fill_places(std::size_t ring, std::span<kernels::KvPlace> places) const {
  std::int64_t slot = rings_[ring].slot;
  for (kernels::KvPlace& place : places) {
    place = {rings_[ring].table[static_cast<std::size_t>(slot / kKvBlock)], slot % kKvBlock};
    ++slot;
  }
}

// Of a shorter ring, tokens up to `from` have overwritten all but the last.
bool KvCache::can_go_back(std::int64_t from, std::int64_t to) const {
  return std::all_of(rings_.begin(), rings_.end(), [&](const Ring& ring) {
    const std::int64_t oldest = from - (ring.shape.capacity - keep_);
    return ring.window == 0 || oldest <= keep_ || oldest <= to - ring.window + 1;
  });
}

void KvCache::forget(std::int64_t position) {
  for (Ring& ring : rings_)
    for (std::size_t i = 0; i < ring.blocks.size(); ++i)
      if (static_cast<std::int64_t>(i) * kKvBlock >= ring.shape.end_of_slots(position) &&
          !ring.blocks[i].empty() && !ring.blocks[i].alone()) {
        ring.blocks[i] = {};
        ring.table[i] = nullptr;
      }
}

std::span<std::byte> KvCache::fill(std::size_t ring, std::size_t block) {
  const auto slot = static_cast<std::int64_t>(block) * kKvBlock;
  own(rings_[ring], slot, slot + 1);
  return {rings_[ring].table[block], rings_[ring].block_bytes};
}

std::size_t KvCache::bytes() const {
  std::size_t bytes = 0;
  for (const Ring& ring : rings_)
    for (const KvBlock& block : ring.blocks)
      if (!block.empty()) bytes += ring.block_bytes;
  return bytes;
}

}  // namespace burin::runtime
