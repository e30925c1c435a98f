#include "runtime/rotation_rows.hpp"

#include <cmath>

namespace burin::runtime {

void fill_rotation(const graph::RopeAttributes& rope, std::span<const double> frequencies,
                   std::int64_t position, std::int64_t row_floats, std::span<float> rows) {
  const auto half = static_cast<std::size_t>(row_floats) / 2;
  for (float* cosines = rows.data(); cosines < rows.data() + rows.size(); cosines += 2 * half, ++position) {
    float* sines = cosines + half;
    for (std::size_t i = 0; i < half; ++i) {
      const bool rotates = i < frequencies.size();
      const double angle = rotates ? static_cast<double>(position) * frequencies[i] : 0.0;
      const double length = rotates ? rope.magnitude : 1.0;
      cosines[i] = static_cast<float>(length * std::cos(angle));
      sines[i] = static_cast<float>(length * std::sin(angle));
    }
  }
}

}  // namespace burin::runtime
