// A random weight matrix, packed into guarded memory.
#pragma once

#include <cstdint>
#include <vector>

#include "templates/formats/packing.hpp"
#include "tests/support/guarded_buffer.hpp"
#include "tests/support/random_values.hpp"

namespace burin::tests {

class PackedMatrix {
 public:
  // `sources` says which columns have weights (row >= 0) and which are zero; its size is a multiple of 32.
  PackedMatrix(const kernels::WeightFormat& format, std::int64_t inputs,
               const std::vector<kernels::ColumnSource>& sources, RandomValues& random)
      : format_(format),
        shape_(kernels::packed_shape(format, inputs, static_cast<std::int64_t>(sources.size()))),
        packed_(shape_.total_bytes) {
    const std::vector<float> stored = random.values(sources.size() * static_cast<std::size_t>(inputs), 0.1f);
    const kernels::StoredMatrix matrix = {reinterpret_cast<const std::byte*>(stored.data()),
                                          kernels::StoredType::f32, shape_.columns, inputs};
    kernels::pack_blocks(format, inputs, {&matrix, 1}, sources, 0, blocks(), packed_.as());
  }
  // The first `columns` columns have weights; those that fill up the last block are zero.
  PackedMatrix(const kernels::WeightFormat& format, std::int64_t inputs, std::int64_t columns,
               RandomValues& random)
      : PackedMatrix(format, inputs, first_columns(columns), random) {}

  const kernels::WeightFormat& format() const { return format_; }
  const kernels::PackedShape& shape() const { return shape_; }
  std::int64_t blocks() const { return shape_.columns / kernels::kBlockColumns; }
  const std::byte* bytes() const { return packed_.as(); }
  float value(std::int64_t input, std::int64_t column) const {
    return kernels::packed_value(format_, shape_, packed_.as(), input, column);
  }

 private:
  static std::vector<kernels::ColumnSource> first_columns(std::int64_t columns) {
    std::vector<kernels::ColumnSource> sources(static_cast<std::size_t>((columns + 31) / 32 * 32));
    for (std::int32_t i = 0; i < columns; ++i) sources[static_cast<std::size_t>(i)] = {0, i};
    return sources;
  }

  kernels::WeightFormat format_;
  kernels::PackedShape shape_;
  GuardedBuffer packed_;
};

}  // namespace burin::tests
