// Where rotated heads go: the part of a kernel's arguments that storing queries, keys and values needs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::kernels {

struct KvArguments {
  const float* rotation = nullptr;     // rows of HeadLayout::rotation_row() floats, one per row
  std::byte* const* blocks = nullptr;  // of the cache, 64 slots each; see head_layout.hpp
  std::int64_t layer_offset = 0;       // bytes from a block's start to the layer
  std::int64_t slot = 0;               // of row 0; the others follow it
};

}  // namespace burin::kernels
