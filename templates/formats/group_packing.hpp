// Groups under scales of their own, as packing.hpp draws them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "templates/formats/packed_codes.hpp"
#include "templates/formats/packing.hpp"
#include "templates/formats/stored_rows.hpp"

namespace burin::kernels {

// Where things lie in a packed unit. Throws burin::Error for groups that no kernel reads.
class GroupLayout {
 public:
  GroupLayout(const WeightFormat& format, std::int64_t row_inputs);

  std::int64_t inputs() const { return inputs_; }
  int groups() const { return static_cast<int>(inputs_ / group_); }
  std::int64_t group_inputs() const { return group_; }
  std::size_t bytes() const { return scale(format_.symmetric ? 1 : 2, 0, 0); }

  // 32 inputs each.
  std::size_t codes(std::int64_t step) const {
    return static_cast<std::size_t>(step * step_code_bytes(format_.bits));
  }
  // Scales are array 0, minimums array 1.
  std::size_t scale(int array, int group, int column) const {
    const int number = (array * groups() + group) * kBlockColumns + column;
    return codes(inputs_ / kStep) + static_cast<std::size_t>(number * bytes_of(format_.scale));
  }

  // The value of an input of a column in a packed unit, under scales times the column's factor.
  float value(const std::byte* unit, int input, int column, float factor) const;

 private:
  WeightFormat format_;
  std::int64_t group_;
  std::int64_t inputs_;  // of a unit
};

// Packs one unit of 32 columns at a time.
class GroupPacker {
 public:
  GroupPacker(const WeightFormat& format, std::int64_t inputs, std::span<const StoredMatrix> matrices);

  // Comes before the units of a block: finds the factors of its columns, and stores them if the format has any.
  void start_block(std::span<const ColumnSource> columns, std::byte* factors);
  void pack(std::span<const ColumnSource> columns, std::int64_t first_input, std::byte* out);

 private:
  std::span<std::uint8_t> group_codes(int group, int column) {
    return {codes_.data() + column * layout_.inputs() + group * layout_.group_inputs(),
            static_cast<std::size_t>(layout_.group_inputs())};
  }
  QuantizedGroup read_group(const ColumnSource& source, std::int64_t first_input, int column,
                            std::span<std::uint8_t> codes);
  QuantizedGroup move_codes(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input,
                            std::span<std::uint8_t> codes) const;
  QuantizedGroup quantize(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input, int column,
                          std::span<std::uint8_t> codes);
  void store_scales(std::byte* unit) const;
  float factor_of(const ColumnSource& source);

  WeightFormat format_;
  GroupLayout layout_;
  std::int64_t inputs_;  // of a row
  std::span<const StoredMatrix> matrices_;
  std::vector<std::uint8_t> codes_;  // [column][input of the unit]
  std::vector<float> values_;        // of a group
  std::vector<float> row_;
  StoredFloats floats_;
  std::array<float, kBlockColumns> factors_{};
  std::vector<std::array<QuantizedGroup, kBlockColumns>> groups_;  // of the unit
};

}  // namespace burin::kernels
