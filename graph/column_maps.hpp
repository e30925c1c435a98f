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

// Part after part; each head of one, and each part, in blocks of its own. Rotated heads in pair blocks.
std::vector<kernels::ColumnSource> latent_columns(const std::vector<LinearPart>& parts,
                                                  const RopeAttributes& rope);

// Columns 0 .. outputs-1, those of each head in blocks of their own.
std::vector<kernels::ColumnSource> columns_by_head(std::int64_t outputs, int heads);

}  // namespace burin::graph
