// Superblocks of two-level formats, as packing.hpp draws them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "templates/formats/packed_codes.hpp"
#include "templates/formats/packing.hpp"
#include "templates/formats/stored_rows.hpp"
#include "templates/formats/superblock.hpp"

namespace burin::kernels {

// Where things lie in a packed superblock. Throws burin::Error for groups other than 16 and 32.
class SuperblockLayout {
 public:
  explicit SuperblockLayout(const WeightFormat& format);

  std::size_t bytes() const { return header_bytes() + kSuperblock / kStep * step_bytes(); }
  std::size_t header_bytes() const { return arrays_ * kBlockColumns * sizeof(std::uint16_t); }
  std::size_t step_bytes() const { return code_bytes_ + arrays_ * groups_in_step_ * kBlockColumns; }

  std::size_t scale(int column) const { return static_cast<std::size_t>(column) * sizeof(std::uint16_t); }
  std::size_t minimum(int column) const { return scale(kBlockColumns + column); }
  std::size_t codes(int step) const { return header_bytes() + static_cast<std::size_t>(step) * step_bytes(); }
  // `group` is one of the superblock's 8 or 16.
  std::size_t group_scale(int group, int column) const;
  std::size_t group_minimum(int group, int column) const {
    return group_scale(group, column) + groups_in_step_ * kBlockColumns;
  }

 private:
  std::size_t arrays_;          // scales, and minimums for asymmetric formats
  std::size_t groups_in_step_;  // 1 or 2
  std::size_t code_bytes_;
};

// Packs one superblock of 32 columns at a time.
class SuperblockPacker {
 public:
  SuperblockPacker(const WeightFormat& format, std::int64_t inputs, std::span<const StoredMatrix> matrices)
      : format_(format), layout_(format), inputs_(inputs), matrices_(matrices) {}

  void pack(std::span<const ColumnSource> columns, std::int64_t first_input, std::byte* out);

 private:
  void read_column(const ColumnSource& source, std::int64_t first_input, int column);
  void quantize_column(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input,
                       std::int64_t count, int column);
  void store_scales(std::byte* out) const;

  WeightFormat format_;
  SuperblockLayout layout_;
  std::int64_t inputs_;
  std::span<const StoredMatrix> matrices_;
  StoredFloats floats_;
  std::array<Superblock, kBlockColumns> superblocks_;
};

// The value of an input (0..255) of a column in a packed superblock.
float superblock_value(const WeightFormat& format, const std::byte* superblock, int input, int column);

}  // namespace burin::kernels
