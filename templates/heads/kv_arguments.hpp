// Where rotated heads go: the part of a kernel's arguments that storing queries, keys and values needs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::kernels {

// Where a row's key and value go. Rows may be of different sequences.
struct KvPlace {
  std::byte* block = nullptr;  // of the row's cache; see head_layout.hpp
  std::int64_t slot = 0;       // in that block
};

struct KvArguments {
  const float* rotation = nullptr;  // rows of HeadLayout::rotation_row() floats, one per row
  const KvPlace* places = nullptr;  // one per row
  std::int64_t layer_offset = 0;    // bytes from a block's start to the layer
};

}  // namespace burin::kernels
