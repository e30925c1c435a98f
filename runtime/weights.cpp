#include "runtime/weights.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <map>
#include <utility>

#include "jit/error.hpp"
#include "templates/formats/superblock_packing.hpp"

namespace burin::runtime {
namespace {

constexpr std::int64_t kBlocksPerTask = 8;

std::vector<float> read_vector(const ModelFile& file, std::size_t tensor) {
  const graph::TensorDescription& description = file.description().tensors[tensor];
  std::int64_t count = 1;
  for (const std::int64_t dimension : description.shape) count *= dimension;
  std::vector<float> values(static_cast<std::size_t>(count));
  kernels::stored_row_to_f32(*description.type, file.tensor_data(tensor).data(), count, values.data());
  return values;
}

Weights allocate(const graph::Plan& plan) {
  Weights weights;
  weights.matrices_memory = HugeBuffer(plan.weight_bytes, "weights");
  std::byte* next = weights.matrices_memory.data();
  for (const graph::PackedMatrix& matrix : plan.matrices) {
    weights.matrices.push_back(next);
    next += matrix.shape.total_bytes;
  }
  return weights;
}

std::byte* writable(const Weights& weights, std::size_t matrix) {
  return weights.matrices_memory.data() + (weights.matrices[matrix] - weights.matrices[0]);
}

// A stored matrix [inputs, rows] the other way round, its numbers as they are.
std::vector<std::byte> transposed_matrix(const std::byte* data, std::size_t element, std::size_t inputs,
                                         std::size_t rows) {
  std::vector<std::byte> result(inputs * rows * element);
  for (std::size_t input = 0; input < inputs; ++input)
    for (std::size_t row = 0; row < rows; ++row)
      std::memcpy(result.data() + (row * inputs + input) * element, data + (input * rows + row) * element,
                  element);
  return result;
}

void pack_matrix(const graph::PackedMatrix& matrix, const ModelFile& file, std::byte* out, ThreadPool& pool) {
  std::vector<kernels::StoredMatrix> stored;
  std::map<std::size_t, std::vector<std::byte>> turned;  // by tensor: parts may be of one
  for (std::size_t i = 0; i < matrix.tensors.size(); ++i) {
    const std::size_t tensor = matrix.tensors[i];
    const graph::TensorDescription& description = file.description().tensors[tensor];
    const std::byte* data = file.tensor_data(tensor).data();
    std::int64_t rows = description.shape[0];
    std::int64_t inputs = description.shape[1];
    if (matrix.transposed[i]) {
      std::swap(rows, inputs);
      const auto element = static_cast<std::size_t>(kernels::layout_of(*description.type).bytes);
      if (turned.count(tensor) == 0)
        turned[tensor] = transposed_matrix(data, element, static_cast<std::size_t>(inputs),
                                           static_cast<std::size_t>(rows));
      data = turned.at(tensor).data();
    }
    stored.push_back({data, *description.type, rows, inputs});
  }
  const std::int64_t blocks = matrix.shape.columns / kernels::kBlockColumns;
  std::atomic<std::int64_t> next{0};
  pool.run([&](int) {
    for (std::int64_t first = next.fetch_add(kBlocksPerTask); first < blocks;
         first = next.fetch_add(kBlocksPerTask))
      kernels::pack_blocks(matrix.format, matrix.shape.inputs, stored, matrix.columns, first,
                           std::min(first + kBlocksPerTask, blocks), out);
  });
}

std::vector<float> pack_bias(const graph::PackedMatrix& matrix, const ModelFile& file) {
  if (!matrix.has_bias()) return {};
  std::vector<std::vector<float>> stored;
  for (const std::ptrdiff_t bias : matrix.biases)
    stored.push_back(bias < 0 ? std::vector<float>() : read_vector(file, static_cast<std::size_t>(bias)));
  std::vector<float> packed(matrix.columns.size(), 0.0f);
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const kernels::ColumnSource& source = matrix.columns[i];
    const std::vector<float>& bias = stored[static_cast<std::size_t>(source.matrix)];
    if (source.row >= 0 && !bias.empty()) packed[i] = bias[static_cast<std::size_t>(source.row)];
  }
  return packed;
}

std::vector<float> pad_vector(const graph::PaddedVector& vector, const ModelFile& file) {
  if (vector.tensors.empty()) return vector.constants;
  std::vector<std::vector<float>> stored;
  for (const std::size_t tensor : vector.tensors) stored.push_back(read_vector(file, tensor));
  std::vector<float> values(vector.places.size(), 0.0f);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (const kernels::ColumnSource& place = vector.places[i]; place.row >= 0)
      values[i] =
          stored[static_cast<std::size_t>(place.matrix)][static_cast<std::size_t>(place.row)] + vector.offset;
  return values;
}

std::vector<double> final_frequencies(const graph::Plan& plan, const graph::RopeAttributes& rope,
                                      const ModelFile& file) {
  std::vector<double> frequencies = rope.inverse_frequencies;
  if (rope.factors.empty()) return frequencies;
  const auto index = static_cast<std::size_t>(file.description().find(rope.factors));
  const std::vector<float> factors = read_vector(file, index);
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    if (!(factors[i] > 0) || !std::isfinite(factors[i]))
      fail("{}: tensor {} element {} is {}: must be positive", plan.model, rope.factors, i, factors[i]);
    frequencies[i] /= static_cast<double>(factors[i]);
  }
  return frequencies;
}

// Scales of 8 to 15 steps, and minimums of as many, that are f16 of about 6e-5: the same sizes as below.
void set_synthetic_scales(std::byte* superblock, const kernels::WeightFormat& format) {
  const kernels::SuperblockLayout layout(format);
  for (int column = 0; column < kernels::kBlockColumns; ++column) {
    const auto step = static_cast<std::uint16_t>(0x0400 + column);
    std::memcpy(superblock + layout.scale(column), &step, sizeof(step));
    if (!format.symmetric) std::memcpy(superblock + layout.minimum(column), &step, sizeof(step));
    for (int group = 0; group < kernels::kSuperblock / format.group; ++group) {
      const auto steps = static_cast<std::byte>(8 + (column + group) % 8);
      superblock[layout.group_scale(group, column)] = steps;
      if (!format.symmetric) superblock[layout.group_minimum(group, column)] = steps;
    }
  }
}

// Small positive f16 bit patterns (0x1000 .. 0x13ff, about 5e-4 to 1e-3) and any codes.
void fill_synthetic(std::byte* out, std::size_t bytes, const kernels::WeightFormat& format,
                    const kernels::PackedShape& shape, std::uint64_t seed) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  auto* words = reinterpret_cast<std::uint64_t*>(out);
  const std::uint64_t mask =
      format.has_codes() ? ~0ull : 0x93ff93ff93ff93ffull;  // floats: tiny f16, bf16, f32
  for (std::size_t i = 0; i < bytes / 8; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    words[i] = state & mask;
  }
  if (!format.has_codes()) return;
  if (format.is_two_level()) {
    for (std::size_t unit = 0; unit + shape.unit_bytes <= bytes; unit += shape.unit_bytes)
      set_synthetic_scales(out + unit, format);
    return;
  }
  const std::size_t scale_bytes = shape.unit_bytes - static_cast<std::size_t>(format.group * 4 * format.bits);
  for (std::size_t group = 0; group + shape.unit_bytes <= bytes; group += shape.unit_bytes) {
    if (format.scale == kernels::ScaleType::e8m0) {
      std::memset(out + group + shape.unit_bytes - scale_bytes, 117, scale_bytes);  // 2^-10
      continue;
    }
    auto* scales = reinterpret_cast<std::uint16_t*>(out + group + shape.unit_bytes - scale_bytes);
    const bool wide = format.scale == kernels::ScaleType::f32;
    for (std::size_t i = 0; i < scale_bytes / 2; ++i)
      scales[i] = static_cast<std::uint16_t>(
          format.scale == kernels::ScaleType::f16 ? 0x1000 + i : (wide && i % 2 == 0 ? 0 : 0x3a00 + i));
  }
}

}  // namespace

Weights pack_weights(const graph::Plan& plan, const ModelFile& file, ThreadPool& pool,
                     const std::function<bool(double)>& progress) {
  Weights weights = allocate(plan);
  std::size_t done = 0;
  for (std::size_t i = 0; i < plan.matrices.size(); ++i) {
    const graph::PackedMatrix& matrix = plan.matrices[i];
    try {
      pack_matrix(matrix, file, writable(weights, i), pool);
    } catch (const Error& error) {
      fail("{}: {}: {}", plan.model, matrix.name, error.what());
    }
    weights.biases.push_back(pack_bias(matrix, file));
    for (const std::size_t tensor : matrix.tensors) file.release_pages(tensor);
    done += matrix.shape.total_bytes;
    if (progress && !progress(static_cast<double>(done) / static_cast<double>(plan.weight_bytes)))
      fail("{}: loading was cancelled", plan.model);
  }
  for (const graph::PaddedVector& vector : plan.vectors) weights.vectors.push_back(pad_vector(vector, file));
  for (const graph::RopeAttributes& rope : plan.ropes)
    weights.inverse_frequencies.push_back(final_frequencies(plan, rope, file));
  return weights;
}

Weights synthetic_weights(const graph::Plan& plan, ThreadPool& pool) {
  Weights weights = allocate(plan);
  std::atomic<std::size_t> next{0};
  pool.run([&](int) {
    for (std::size_t i = next++; i < plan.matrices.size(); i = next++)
      fill_synthetic(writable(weights, i), plan.matrices[i].shape.total_bytes, plan.matrices[i].format,
                     plan.matrices[i].shape, i + 1);
  });
  weights.biases.resize(plan.matrices.size());
  for (const graph::PaddedVector& vector : plan.vectors)
    weights.vectors.emplace_back(static_cast<std::size_t>(vector.padded()), 1.0f);
  for (const graph::RopeAttributes& rope : plan.ropes)
    weights.inverse_frequencies.push_back(rope.inverse_frequencies);
  return weights;
}

}  // namespace burin::runtime
