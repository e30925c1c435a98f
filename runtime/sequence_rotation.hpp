// How a sequence's queries and keys are rotated: in some models that depends on how long it is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/rope_frequencies.hpp"

namespace burin::runtime {

class SequenceRotation {
 public:
  // Of a sequence that is short so far. The ropes must outlive this.
  explicit SequenceRotation(std::span<const graph::RopeAttributes> ropes);

  // Takes the frequencies for a sequence of so many tokens. True where they are others than before: keys of the cache
  // were rotated differently then. Allocates where they are.
  bool fit(std::int64_t tokens);
  std::int64_t fitted() const { return fitted_; }  // the latest length

  // Inverse frequencies per rope.
  std::span<const std::vector<double>> frequencies() const { return frequencies_; }
  // Fills rows of HeadLayout::rotation_row() floats, one per position from `position` on, as many as `rows` has. Angles
  // are float64 until they are stored: those of far positions are large. Places that do not rotate have cosine 1 and
  // sine 0.
  void fill_rows(std::size_t rope, std::int64_t position, std::int64_t row_floats,
                 std::span<float> rows) const;

 private:
  std::span<const graph::RopeAttributes> ropes_;
  std::vector<std::vector<double>> frequencies_;
  graph::LengthRange lengths_;  // that they are good for
  std::int64_t fitted_ = 0;
};

}  // namespace burin::runtime
