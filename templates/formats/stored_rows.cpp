#include "templates/formats/stored_rows.hpp"

#include <algorithm>

#include "templates/formats/quantize.hpp"
#include "templates/formats/stored_blocks.hpp"

namespace burin::kernels {
namespace {

void dequantize_group(const StoredRow& stored, const std::byte* block, float* out) {
  CodeGroup group;
  stored.read_group(block, group);
  const WeightFormat& format = stored.natural;
  const float scale = scale_value(format.scale, group.scale);
  const float minimum = scale_value(format.scale, group.minimum);
  for (int i = 0; i < format.group; ++i) {
    const float product = format.code_value(group.codes[i]) * scale;
    out[i] = format.symmetric ? product : product + minimum;
  }
}

// Products and differences are rounded one by one, as ggml does.
void dequantize_superblock(const StoredRow& stored, const std::byte* block, float* out) {
  Superblock superblock;
  stored.read_superblock(block, superblock);
  for (int first = 0; first < kSuperblock; first += stored.natural.group) {
    const float scale = superblock.group_scale(first / stored.natural.group);
    const float minimum = superblock.group_minimum(first / stored.natural.group);
    for (int i = first; i < first + stored.natural.group; ++i) {
      const float product = scale * stored.natural.code_value(superblock.codes[i]);
      out[i] = stored.natural.symmetric ? product : product - minimum;
    }
  }
}

}  // namespace

WeightFormat natural_format(StoredType type) { return stored_row(type).natural; }
WeightFormat natural_format(const StoredMatrix& matrix) {
  return matrix.coded != nullptr ? matrix.coded->format() : natural_format(matrix.type);
}

void stored_row_to_f32(StoredType type, const std::byte* row, std::int64_t count, float* out) {
  const StoredRow& stored = stored_row(type);
  for (std::int64_t i = 0; i < count; i += stored.layout.elements, row += stored.layout.bytes) {
    if (stored.read_float != nullptr)
      out[i] = stored.read_float(row);
    else if (stored.read_group != nullptr)
      dequantize_group(stored, row, out + i);
    else
      dequantize_superblock(stored, row, out + i);
  }
}

void stored_row_to_f32(const StoredMatrix& matrix, std::int64_t row, float* out) {
  if (matrix.coded != nullptr)
    matrix.coded->read_values(row, 0, {out, static_cast<std::size_t>(matrix.columns)});
  else
    stored_row_to_f32(matrix.type, stored_at(matrix, row, 0), matrix.columns, out);
}

const std::byte* stored_at(const StoredMatrix& matrix, std::int64_t row, std::int64_t input) {
  const StoredLayout& layout = layout_of(matrix.type);
  const std::int64_t row_bytes = matrix.columns / layout.elements * layout.bytes;
  return matrix.data + row * row_bytes + input / layout.elements * layout.bytes;
}

void StoredFloats::read(const StoredMatrix& matrix, std::int64_t row, std::int64_t first, std::int64_t count,
                        int column, float* out) {
  if (matrix.coded != nullptr) {
    matrix.coded->read_values(row, first, {out, static_cast<std::size_t>(count)});
    return;
  }
  const int elements = layout_of(matrix.type).elements;
  if (elements < kSuperblock && first % elements == 0 && count % elements == 0) {
    stored_row_to_f32(matrix.type, stored_at(matrix, row, first), count, out);
    return;
  }
  if (known_.empty()) known_.resize(kBlockColumns);
  Known& known = known_[static_cast<std::size_t>(column)];
  while (count > 0) {
    const std::byte* block = stored_at(matrix, row, first);
    if (known.block != block) stored_row_to_f32(matrix.type, block, elements, known.values);
    known.block = block;
    const std::int64_t in_block = first % elements;
    const std::int64_t part = std::min(count, elements - in_block);
    out = std::copy_n(known.values + in_block, part, out);
    first += part;
    count -= part;
  }
}

}  // namespace burin::kernels
