#include "runtime/unit_rows.hpp"

#include <algorithm>
#include <cmath>

#include "jit/error.hpp"
#include "templates/formats/stored_rows.hpp"

namespace burin::runtime {
namespace {

// As PyTorch's normalize() has it: rows of zeros stay.
constexpr double kLeastLength = 1e-12;

}  // namespace

UnitRows::UnitRows(const kernels::StoredMatrix& stored)
    : CodedMatrix(kernels::WeightFormat::float_format(kernels::WeightKind::f32), stored.columns),
      stored_(stored) {
  std::vector<float> row(static_cast<std::size_t>(stored.columns));
  for (std::int64_t i = 0; i < stored.rows; ++i) {
    kernels::stored_row_to_f32(stored, i, row.data());
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * static_cast<double>(value);
    factors_.push_back(static_cast<float>(1 / std::max(std::sqrt(squares), kLeastLength)));
  }
}

kernels::QuantizedGroup UnitRows::read_group(std::int64_t row, std::int64_t, std::span<std::uint8_t>) const {
  fail("row {} of a normalised matrix: has no codes", row);
}

void UnitRows::read_values(std::int64_t row, std::int64_t first, std::span<float> values) const {
  kernels::stored_row_to_f32(stored_.type, kernels::stored_at(stored_, row, first),
                             static_cast<std::int64_t>(values.size()), values.data());
  for (float& value : values) value *= factors_[static_cast<std::size_t>(row)];
}

}  // namespace burin::runtime
