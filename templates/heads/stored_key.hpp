// Keys of the cache in plain C++, one at a time: for what is done to few of them.
#pragma once

#include <cstddef>
#include <span>

#include "templates/head_layout.hpp"

namespace burin::kernels {

// Keys are 2 * pairs() floats, (x0, x1) of each rotary pair. head_block is a KV head's part of a block of the cache
// (head_layout.hpp), slot a place in it, 0 .. 63. Writing rounds to the cache's type, as kernels do.
void read_key(const HeadLayout& heads, const std::byte* head_block, int slot, std::span<float> key);
void write_key(const HeadLayout& heads, std::byte* head_block, int slot, std::span<const float> key);

}  // namespace burin::kernels
