#include "templates/formats/packing.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "jit/error.hpp"
#include "templates/formats/float16.hpp"
#include "templates/formats/packed_codes.hpp"
#include "templates/formats/quantize.hpp"
#include "templates/formats/stored_blocks.hpp"
#include "templates/formats/stored_rows.hpp"
#include "templates/formats/superblock_packing.hpp"

namespace burin::kernels {
namespace {

constexpr std::int64_t kFloatPadding = 8;

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// --- one group of one block: codes of 32 columns, then planes

class GroupPacker {
 public:
  GroupPacker(const WeightFormat& format, std::int64_t inputs, std::span<const StoredMatrix> matrices)
      : format_(format),
        inputs_(inputs),
        matrices_(matrices),
        codes_(static_cast<std::size_t>(kBlockColumns * format.group)),
        values_(static_cast<std::size_t>(format.group)) {}

  void pack(std::span<const ColumnSource> columns, std::int64_t first_input, std::byte* out) {
    for (int column = 0; column < kBlockColumns; ++column)
      read_column(columns[static_cast<std::size_t>(column)], first_input, column);
    for (int step = 0; step < format_.group / kStep; ++step)
      store_step(step, out + step * step_code_bytes(format_.bits));
    std::byte* scales = out + format_.group / kStep * step_code_bytes(format_.bits);
    store_scales(scales_, scales);
    if (!format_.symmetric) store_scales(minimums_, scales + kBlockColumns * bytes_of(format_.scale));
  }

 private:
  std::uint8_t* column_codes(int column) { return codes_.data() + column * format_.group; }

  void read_column(const ColumnSource& source, std::int64_t first_input, int column) {
    std::uint8_t* codes = column_codes(column);
    const auto at = static_cast<std::size_t>(column);
    scales_[at] = minimums_[at] = 0;
    const std::int64_t count = std::clamp<std::int64_t>(inputs_ - first_input, 0, format_.group);
    std::fill_n(codes, format_.group, static_cast<std::uint8_t>(format_.zero_code()));
    if (source.row < 0 || count == 0) return;
    const StoredMatrix& matrix = matrices_[static_cast<std::size_t>(source.matrix)];
    if (natural_format(matrix) == format_)
      move_codes(matrix, source.row, first_input, count, column);
    else
      quantize_column(matrix, source.row, first_input, count, column);
  }

  // The stored groups are the packed groups: nothing is lost.
  void move_codes(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input, std::int64_t count,
                  int column) {
    if (matrix.coded != nullptr) {
      const QuantizedGroup group =
          matrix.coded->read_group(row, first_input, {column_codes(column), static_cast<std::size_t>(count)});
      scales_[static_cast<std::size_t>(column)] = group.scale;
      minimums_[static_cast<std::size_t>(column)] = group.minimum;
      return;
    }
    CodeGroup group;
    stored_row(matrix.type).read_group(stored_at(matrix, row, first_input), group);
    std::copy_n(group.codes, format_.group, column_codes(column));
    scales_[static_cast<std::size_t>(column)] = group.scale;
    minimums_[static_cast<std::size_t>(column)] = group.minimum;
  }

  void quantize_column(const StoredMatrix& matrix, std::int64_t row, std::int64_t first_input,
                       std::int64_t count, int column) {
    floats_.read(matrix, row, first_input, count, column, values_.data());
    try {
      const QuantizedGroup group = quantize_group(
          format_, std::span(values_).subspan(0, static_cast<std::size_t>(count)), column_codes(column));
      scales_[static_cast<std::size_t>(column)] = group.scale;
      minimums_[static_cast<std::size_t>(column)] = group.minimum;
    } catch (const Error& error) {
      fail("row {}, inputs from {}: {}", row, first_input, error.what());
    }
  }

  void store_step(int step, std::byte* out) {
    ColumnCodes columns;
    for (int column = 0; column < kBlockColumns; ++column)
      columns[static_cast<std::size_t>(column)] = column_codes(column) + step * kStep;
    store_codes(format_.bits, columns, out);
  }

  void store_scales(const std::array<std::uint32_t, kBlockColumns>& scales, std::byte* out) const {
    // Little endian: a 16-bit scale is the low half.
    const auto bytes = static_cast<std::size_t>(bytes_of(format_.scale));
    for (std::size_t column = 0; column < kBlockColumns; ++column)
      std::memcpy(out + column * bytes, &scales[column], bytes);
  }

  WeightFormat format_;
  std::int64_t inputs_;
  std::span<const StoredMatrix> matrices_;
  std::vector<std::uint8_t> codes_;  // [column][input of the group]
  std::vector<float> values_;
  StoredFloats floats_;
  std::array<std::uint32_t, kBlockColumns> scales_{};
  std::array<std::uint32_t, kBlockColumns> minimums_{};
};

// --- float formats

std::size_t float_offset(WeightKind kind, std::int64_t input, int column) {
  switch (kind) {
    case WeightKind::f32: return static_cast<std::size_t>(input * kBlockColumns + column) * 4;
    case WeightKind::f16: return static_cast<std::size_t>(input * kBlockColumns + column) * 2;
    default: return static_cast<std::size_t>((input / 2 * kBlockColumns + column) * 2 + input % 2) * 2;
  }
}

void store_float(WeightKind kind, float value, std::byte* out) {
  if (kind == WeightKind::f32) {
    std::memcpy(out, &value, sizeof(value));
    return;
  }
  const std::uint16_t bits = kind == WeightKind::f16 ? f32_to_f16(value) : f32_to_bf16(value);
  std::memcpy(out, &bits, sizeof(bits));
}

void pack_float_block(const WeightFormat& format, std::int64_t inputs, std::span<const StoredMatrix> matrices,
                      std::span<const ColumnSource> columns, std::size_t block_bytes, std::byte* out) {
  std::memset(out, 0, block_bytes);
  std::vector<float> values(static_cast<std::size_t>(inputs));
  for (int column = 0; column < kBlockColumns; ++column) {
    const ColumnSource& source = columns[static_cast<std::size_t>(column)];
    if (source.row < 0) continue;
    const StoredMatrix& matrix = matrices[static_cast<std::size_t>(source.matrix)];
    stored_row_to_f32(matrix, source.row, values.data());
    for (std::int64_t input = 0; input < inputs; ++input) {
      const float value = values[static_cast<std::size_t>(input)];
      if (format.kind == WeightKind::f16 && std::isfinite(value) && std::fabs(value) >= 65520.0f)
        fail("row {}, input {}: {:g} overflows f16: use f32 or bf16", source.row, input, value);
      store_float(format.kind, value, out + float_offset(format.kind, input, column));
    }
  }
}

// A block of units, packed one after the other.
template <typename Packer>
void pack_units(Packer& packer, const PackedShape& shape, std::span<const ColumnSource> columns,
                std::byte* out) {
  for (std::int64_t first = 0; first < shape.padded_inputs;
       first += shape.unit_inputs, out += shape.unit_bytes)
    packer.pack(columns, first, out);
}

std::size_t group_code_bytes(const WeightFormat& format) {
  return static_cast<std::size_t>(format.group / kStep * step_code_bytes(format.bits));
}

std::size_t group_bytes(const WeightFormat& format) {
  return group_code_bytes(format) +
         static_cast<std::size_t>(kBlockColumns * bytes_of(format.scale) * (format.symmetric ? 1 : 2));
}

}  // namespace

PackedShape packed_shape(const WeightFormat& format, std::int64_t inputs, std::int64_t columns) {
  PackedShape shape;
  shape.inputs = inputs;
  shape.columns = round_up(columns, kBlockColumns);
  if (format.has_codes()) {
    if (format.bits < 1 || format.bits > 8) fail("weights {}: bits must be 1 to 8", to_text(format));
    if (format.is_two_level()) {
      shape.unit_inputs = kSuperblock;
      shape.unit_bytes = SuperblockLayout(format).bytes();
    } else {
      if (format.group < 32 || format.group % 32 != 0)
        fail("weights {}: groups of {} are not supported: use a multiple of 32", to_text(format),
             format.group);
      shape.unit_inputs = format.group;
      shape.unit_bytes = group_bytes(format);
    }
    shape.padded_inputs = round_up(inputs, shape.unit_inputs);
    shape.block_bytes = static_cast<std::size_t>(shape.padded_inputs / shape.unit_inputs) * shape.unit_bytes;
  } else {
    shape.padded_inputs = round_up(inputs, kFloatPadding);
    shape.block_bytes = static_cast<std::size_t>(shape.padded_inputs * kBlockColumns * format.bits / 8);
  }
  shape.total_bytes = shape.block_bytes * static_cast<std::size_t>(shape.columns / kBlockColumns);
  return shape;
}

void pack_blocks(const WeightFormat& format, std::int64_t inputs, std::span<const StoredMatrix> matrices,
                 std::span<const ColumnSource> columns, std::int64_t first_block, std::int64_t last_block,
                 std::byte* out) {
  const PackedShape shape = packed_shape(format, inputs, static_cast<std::int64_t>(columns.size()));
  const auto for_each_block = [&](auto pack_one) {
    for (std::int64_t block = first_block; block < last_block; ++block)
      pack_one(columns.subspan(static_cast<std::size_t>(block * kBlockColumns), kBlockColumns),
               out + static_cast<std::size_t>(block) * shape.block_bytes);
  };
  if (!format.has_codes()) {
    for_each_block([&](auto sources, std::byte* at) {
      pack_float_block(format, inputs, matrices, sources, shape.block_bytes, at);
    });
  } else if (format.is_two_level()) {
    SuperblockPacker packer(format, inputs, matrices);
    for_each_block([&](auto sources, std::byte* at) { pack_units(packer, shape, sources, at); });
  } else {
    GroupPacker packer(format, inputs, matrices);
    for_each_block([&](auto sources, std::byte* at) { pack_units(packer, shape, sources, at); });
  }
}

float packed_value(const WeightFormat& format, const PackedShape& shape, const std::byte* packed,
                   std::int64_t k, std::int64_t column) {
  const std::byte* block = packed + static_cast<std::size_t>(column / kBlockColumns) * shape.block_bytes;
  const int in_block = static_cast<int>(column % kBlockColumns);
  if (!format.has_codes()) {
    const std::byte* at = block + float_offset(format.kind, k, in_block);
    std::uint32_t bits = 0;
    std::memcpy(&bits, at, static_cast<std::size_t>(format.bits / 8));
    const ScaleType type = format.kind == WeightKind::f16    ? ScaleType::f16
                           : format.kind == WeightKind::bf16 ? ScaleType::bf16
                                                             : ScaleType::f32;
    return scale_value(type, bits);
  }
  const std::byte* unit = block + static_cast<std::size_t>(k / shape.unit_inputs) * shape.unit_bytes;
  const int in_unit = static_cast<int>(k % shape.unit_inputs);
  if (format.is_two_level()) return superblock_value(format, unit, in_unit, in_block);
  const std::byte* step = unit + in_unit / kStep * step_code_bytes(format.bits);
  const int code = load_code(format.bits, step, in_unit % kStep, in_block);
  const auto scale_at = [&](int array) {
    const int bytes = bytes_of(format.scale);
    std::uint32_t bits = 0;
    std::memcpy(&bits, unit + group_code_bytes(format) + (array * kBlockColumns + in_block) * bytes,
                static_cast<std::size_t>(bytes));
    return scale_value(format.scale, bits);
  };
  const float value = format.code_value(code) * scale_at(0);
  return format.symmetric ? value : value + scale_at(1);
}

}  // namespace burin::kernels
