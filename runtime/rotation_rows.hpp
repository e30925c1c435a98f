// Cosines and sines that kernels rotate queries and keys with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/plan.hpp"

namespace burin::runtime {

// Fills rows of HeadLayout::rotation_row() floats, one per position from `position` on, as many as `rows` has. Angles
// are float64 until they are stored: those of far positions are large. Places that do not rotate have cosine 1 and
// sine 0.
void fill_rotation(const graph::RopeAttributes& rope, std::span<const double> frequencies,
                   std::int64_t position, std::int64_t row_floats, std::span<float> rows);

}  // namespace burin::runtime
