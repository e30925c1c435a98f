#include "runtime/sequence_rotation.hpp"

#include <algorithm>
#include <cmath>

namespace burin::runtime {

SequenceRotation::SequenceRotation(std::span<const graph::RopeAttributes> ropes) : ropes_(ropes) { fit(0); }

bool SequenceRotation::fit(std::int64_t tokens) {
  fitted_ = tokens;
  if (lengths_.last > 0 && lengths_.contains(tokens)) return false;
  lengths_ = {0, INT64_MAX};
  std::vector<std::vector<double>> before = std::move(frequencies_);
  frequencies_.clear();
  for (const graph::RopeAttributes& rope : ropes_) {
    frequencies_.push_back(graph::frequencies_at(rope, tokens));
    const graph::LengthRange same = graph::lengths_rotating_as(rope, tokens);
    lengths_ = {std::max(lengths_.first, same.first), std::min(lengths_.last, same.last)};
  }
  return before != frequencies_;
}

void SequenceRotation::fill_rows(std::size_t rope, std::int64_t position, std::int64_t row_floats,
                                 std::span<float> rows) const {
  const std::vector<double>& frequencies = frequencies_[rope];
  const auto half = static_cast<std::size_t>(row_floats) / 2;
  for (float* cosines = rows.data(); cosines < rows.data() + rows.size(); cosines += 2 * half, ++position) {
    float* sines = cosines + half;
    for (std::size_t i = 0; i < half; ++i) {
      const bool rotates = i < frequencies.size();
      const double angle = rotates ? static_cast<double>(position) * frequencies[i] : 0.0;
      const double length = rotates ? ropes_[rope].magnitude : 1.0;
      cosines[i] = static_cast<float>(length * std::cos(angle));
      sines[i] = static_cast<float>(length * std::sin(angle));
    }
  }
}

}  // namespace burin::runtime
