// Where rotated heads go: the part of a kernel's arguments that storing queries, keys and values needs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::kernels {

struct KvArguments {
  const float* rotation = nullptr;  // rows of HeadLayout::rotation_row() floats, one per row
  std::byte* cache = nullptr;       // the layer's; see head_layout.hpp
  std::int64_t head_bytes = 0;      // distance of KV heads in it
  std::int64_t position = 0;        // of row 0
};

}  // namespace burin::kernels
