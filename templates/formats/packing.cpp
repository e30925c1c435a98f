#include "templates/formats/packing.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "jit/error.hpp"
#include "templates/formats/float16.hpp"
#include "templates/formats/group_packing.hpp"
#include "templates/formats/quantize.hpp"
#include "templates/formats/stored_rows.hpp"
#include "templates/formats/superblock_packing.hpp"

namespace burin::kernels {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

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
      const GroupLayout layout(format, inputs);
      shape.unit_inputs = layout.inputs();
      shape.unit_bytes = layout.bytes();
    }
    shape.padded_inputs = round_up(inputs, shape.unit_inputs);
    shape.factor_bytes = format.has_factors() ? kBlockColumns * sizeof(float) : 0;
    shape.block_bytes = static_cast<std::size_t>(shape.padded_inputs / shape.unit_inputs) * shape.unit_bytes +
                        shape.factor_bytes;
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
    for_each_block([&](auto sources, std::byte* at) {
      packer.start_block(sources, at + shape.block_bytes - shape.factor_bytes);
      pack_units(packer, shape, sources, at);
    });
  }
}

float packed_value(const WeightFormat& format, const PackedShape& shape, const std::byte* packed,
                   std::int64_t k, std::int64_t column) {
  const std::byte* block = packed + static_cast<std::size_t>(column / kBlockColumns) * shape.block_bytes;
  const auto in_block = static_cast<int>(column % kBlockColumns);
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
  float factor = 1;
  if (format.has_factors())
    std::memcpy(&factor, block + shape.block_bytes - shape.factor_bytes + in_block * 4, sizeof(factor));
  return GroupLayout(format, shape.inputs).value(unit, in_unit, in_block, factor);
}

}  // namespace burin::kernels
