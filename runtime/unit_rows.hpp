// A stored matrix whose rows are divided by their lengths as they are read (Baichuan 2's head).
#pragma once

#include <vector>

#include "templates/formats/packing.hpp"

namespace burin::runtime {

// Refers to the stored numbers, which must outlive it. Immutable, thread-safe.
class UnitRows final : public kernels::CodedMatrix {
 public:
  // Matrices of floats only; looks at every one of them.
  explicit UnitRows(const kernels::StoredMatrix& stored);

  // Throws burin::Error: floats have no codes.
  kernels::QuantizedGroup read_group(std::int64_t row, std::int64_t first,
                                     std::span<std::uint8_t> codes) const override;
  void read_values(std::int64_t row, std::int64_t first, std::span<float> values) const override;

 private:
  kernels::StoredMatrix stored_;
  std::vector<float> factors_;  // by row
};

}  // namespace burin::runtime
