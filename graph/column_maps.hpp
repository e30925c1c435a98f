// Which stored row each packed column of a fused linear node takes.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/ir.hpp"
#include "templates/formats/packing.hpp"
#include "templates/head_layout.hpp"

namespace burin::graph {

// Columns 0 .. outputs-1 in order, padded to whole blocks.
std::vector<kernels::ColumnSource> plain_columns(std::int64_t outputs);

// Blocks of 16 gate (matrix 0) and 16 up (matrix 1) columns; see GemmEpilogue::gate.
std::vector<kernels::ColumnSource> gate_columns(std::int64_t outputs);

// Q (matrix 0) and K (1) in pair blocks, then V (2); see templates/head_layout.hpp.
std::vector<kernels::ColumnSource> qkv_columns(const kernels::HeadLayout& heads, const RopeAttributes& rope);

}  // namespace burin::graph
