// Keys and values of one sequence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/plan.hpp"
#include "runtime/kv/kv_block.hpp"
#include "runtime/kv/kv_ring.hpp"
#include "templates/heads/kv_arguments.hpp"

namespace burin::runtime {

// Layers that attend to everything share one ring of the context's length; layers with a window have a shorter one. A
// ring's blocks hold all its layers. Copies share blocks until one of them needs room in a shared one (a fork of the
// sequence). To be used by one thread at a time; kernels read the tables.
class KvCache {
 public:
  // For the plan's context; the first `keep` tokens stay in it. Allocates no blocks.
  KvCache(const graph::Plan& plan, std::int64_t keep);

  // How many tokens from `position` on can be stored at once: up to the next wrap of any ring.
  std::int64_t slots_in_a_row(std::int64_t position) const;
  // Makes blocks for rows at `position` and following ones, which must be in a row; own copies of those shared with
  // others. Throws burin::Error where memory is refused; what is stored stays as it is.
  void make_room(std::int64_t position, std::int64_t rows);
  // Memory for everything at once.
  void make_all_room();
  // The sinks' blocks, for writing.
  void own_sinks();
  // What rows that were given room may see from now on. Allocates nothing.
  void show(std::int64_t position, std::int64_t rows, std::int64_t removed);
  // Whether all that tokens at `to` and later may see is still there once those from `to` to `from` were stored.
  bool can_go_back(std::int64_t from, std::int64_t to) const;
  // Gives shared blocks back that hold nothing before `position`.
  void forget(std::int64_t position);

  // As of show():
  std::byte* const* blocks(int layer) const { return ring(layer).table.data(); }
  std::int64_t layer_offset(int layer) const { return layers_[static_cast<std::size_t>(layer)].offset; }
  std::size_t ring_of(int layer) const { return layers_[static_cast<std::size_t>(layer)].ring; }
  // Where the ring's layers store the rows, as many as `places` has.
  void fill_places(std::size_t ring, std::span<kernels::KvPlace> places) const;
  std::int64_t end_of_slots(int layer) const { return ring(layer).end; }
  std::span<const kernels::KeySpan> spans(int layer, bool by_distance) const {
    return ring(layer).spans[by_distance ? 1 : 0].get();
  }

  // Rings and their blocks, for storing a sequence: empty blocks are those without a token.
  struct Ring {
    KvRing shape;
    std::int64_t window = 0;  // that its layers see, where it is shorter than the context
    std::size_t block_bytes = 0;
    std::vector<KvBlock> blocks;
    std::vector<std::byte*> table;
    std::int64_t slot = 0;  // of the first row
    std::int64_t end = 0;
    KeySpans spans[2];  // by slot, by distance
  };
  std::span<const Ring> rings() const { return rings_; }
  // Memory of a block to be filled. Throws burin::Error where memory is refused.
  std::span<std::byte> fill(std::size_t ring, std::size_t block);
  std::int64_t keep() const { return keep_; }
  int layers() const { return static_cast<int>(layers_.size()); }
  std::size_t bytes() const;  // of all blocks

 private:
  struct Layer {
    std::size_t ring = 0;
    std::int64_t offset = 0;  // bytes from a block's start
  };
  const Ring& ring(int layer) const { return rings_[ring_of(layer)]; }
  void add_layer(const graph::Plan& plan, std::int64_t window);
  static void own(Ring& ring, std::int64_t first_slot, std::int64_t end_slot);

  std::int64_t keep_;
  std::vector<Layer> layers_;
  std::vector<Ring> rings_;
};

// Slots that a layer needs: the context, or what a window and a chunk of rows take where that is less.
std::int64_t kv_capacity(const graph::PlanOptions& options, std::int64_t window, std::int64_t keep);

}  // namespace burin::runtime
