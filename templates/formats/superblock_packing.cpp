#include "templates/formats/superblock_packing.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "jit/error.hpp"
#include "templates/formats/quantize.hpp"
#include "templates/formats/stored_blocks.hpp"

namespace burin::kernels {

SuperblockLayout::SuperblockLayout(const WeightFormat& format) : arrays_(format.symmetric ? 1 : 2) {
  if (format.group != 16 && format.group != 32)
    fail("weights {}: groups of {} are not supported: two-level scales have groups of 16 or 32",
         to_text(format), format.group);
  groups_in_step_ = static_cast<std::size_t>(kStep / format.group);
  code_bytes_ = static_cast<std::size_t>(step_code_bytes(format.bits));
}

std::size_t SuperblockLayout::group_scale(int group, int column) const {
  const auto at = static_cast<std::size_t>(group);
  return codes(static_cast<int>(at / groups_in_step_)) + code_bytes_ + at % groups_in_step_ * kBlockColumns +
         static_cast<std::size_t>(column);
}

void SuperblockPacker::pack(std::span<const ColumnSource> columns, std::int64_t first_input, std::byte* out) {
  for (int column = 0; column < kBlockColumns; ++column)
    read_column(columns[static_cast<std::size_t>(column)], first_input, column);
  ColumnCodes codes;
  for (int step = 0; step < kSuperblock / kStep; ++step) {
    for (std::size_t column = 0; column < kBlockColumns; ++column)
      codes[column] = superblocks_[column].codes + step * kStep;
    store_codes(format_, codes, out + layout_.codes(step));
  }
  store_scales(out);
}

void SuperblockPacker::read_column(const ColumnSource& source, std::int64_t first_input, int column) {
  Superblock& superblock = superblocks_[static_cast<std::size_t>(column)];
  if (source.row < 0) {
    superblock = Superblock{};
    std::fill(std::begin(superblock.codes), std::end(superblock.codes),
              static_cast<std::uint8_t>(format_.zero_code()));
    return;
  }
  const StoredMatrix& matrix = matrices_[static_cast<std::size_t>(source.matrix)];
  if (natural_format(matrix) == format_)  // the stored superblocks are the packed ones: nothing is lost
    stored_row(matrix.type).read_superblock(stored_at(matrix, source.row, first_input), superblock);
  else
    quantize_column(matrix, source.row, first_input,
                    std::min<std::int64_t>(inputs_ - first_input, kSuperblock), column);
}

void SuperblockPacker::quantize_column(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input,
                                       std::int64_t count, int column) {
  float values[kSuperblock];
  floats_.read(matrix, row, first_input, count, column, values);
  try {
    quantize_superblock(format_, std::span(values).first(static_cast<std::size_t>(count)),
                        superblocks_[static_cast<std::size_t>(column)]);
  } catch (const Error& error) {
    fail("row {}, inputs from {}: {}", row, first_input, error.what());
  }
}

void SuperblockPacker::store_scales(std::byte* out) const {
  for (int column = 0; column < kBlockColumns; ++column) {
    const Superblock& superblock = superblocks_[static_cast<std::size_t>(column)];
    std::memcpy(out + layout_.scale(column), &superblock.scale, sizeof(superblock.scale));
    for (int group = 0; group < kSuperblock / format_.group; ++group)
      out[layout_.group_scale(group, column)] = static_cast<std::byte>(superblock.scales[group]);
    if (format_.symmetric) continue;
    std::memcpy(out + layout_.minimum(column), &superblock.minimum, sizeof(superblock.minimum));
    for (int group = 0; group < kSuperblock / format_.group; ++group)
      out[layout_.group_minimum(group, column)] = static_cast<std::byte>(superblock.minimums[group]);
  }
}

float superblock_value(const WeightFormat& format, const std::byte* superblock, int input, int column) {
  const SuperblockLayout layout(format);
  const auto f16_at = [&](std::size_t at) {
    std::uint16_t bits;
    std::memcpy(&bits, superblock + at, sizeof(bits));
    return f16_to_f32(bits);
  };
  const int code = load_code(format, superblock + layout.codes(input / kStep), input % kStep, column);
  const int group = input / format.group;
  const auto group_scale = std::to_integer<std::int8_t>(superblock[layout.group_scale(group, column)]);
  const float scale = f16_at(layout.scale(column)) * static_cast<float>(group_scale);
  if (format.symmetric) return scale * format.code_value(code);
  const auto group_minimum = std::to_integer<std::uint8_t>(superblock[layout.group_minimum(group, column)]);
  const float minimum = -(f16_at(layout.minimum(column)) * static_cast<float>(group_minimum));
  return std::fma(scale, format.code_value(code), minimum);  // as kernels do
}

}  // namespace burin::kernels
