#include "runtime/weights.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>

#include "jit/error.hpp"
#include "runtime/unit_rows.hpp"
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

// The inputs and outputs of every head exchanged: [head][column][row of the head], as floats.
std::vector<float> transposed_heads(const graph::PackedMatrix& matrix, const kernels::StoredMatrix& stored) {
  const std::int64_t columns = stored.columns;
  const std::int64_t inputs = matrix.shape.inputs;
  std::vector<float> result(static_cast<std::size_t>(matrix.by_head.heads * inputs * columns));
  std::vector<float> row(static_cast<std::size_t>(columns));
  for (std::int64_t i = 0; i < matrix.by_head.heads * inputs; ++i) {
    kernels::stored_row_to_f32(stored, matrix.by_head.view.row(i), row.data());
    float* head = result.data() + i / inputs * inputs * columns;
    for (std::int64_t column = 0; column < columns; ++column)
      head[column * inputs + i % inputs] = row[static_cast<std::size_t>(column)];
  }
  return result;
}

// The stored matrices that a packed one is made of.
class StoredParts {
 public:
  StoredParts(const graph::PackedMatrix& matrix, const ModelFile& file) : matrix_(matrix), file_(file) {
    for (std::size_t i = 0; i < matrix.tensors.size(); ++i) parts_.push_back(part(i));
    if (matrix.by_head.heads > 0) turn_heads();
    if (matrix.unit_rows) normalise_rows();
  }

  // Those of one expert.
  std::span<const kernels::StoredMatrix> of(std::int64_t expert) const {
    const std::size_t count = parts_.size() / static_cast<std::size_t>(matrix_.experts);
    return {parts_.data() + static_cast<std::size_t>(expert) * count, count};
  }

 private:
  kernels::StoredMatrix part(std::size_t i) {
    const graph::TensorDescription& tensor = file_.description().tensors[matrix_.tensors[i]];
    const bool all_slices = matrix_.slices[i] == graph::kAllSlices;
    std::int64_t rows = tensor.shape[tensor.shape.size() - 2] * (all_slices ? tensor.shape[0] : 1);
    std::int64_t inputs = tensor.shape.back();
    if (tensor.coded)
      return {nullptr, kernels::StoredType::f32, rows, inputs,
              &file_.coded_matrix(matrix_.tensors[i], matrix_.slices[i])};
    const kernels::StoredLayout& layout = kernels::layout_of(*tensor.type);
    const std::int64_t slice_bytes = rows * inputs / layout.elements * layout.bytes;
    const std::byte* data =
        file_.tensor_data(matrix_.tensors[i]).data() + (all_slices ? 0 : matrix_.slices[i]) * slice_bytes;
    if (matrix_.transposed[i]) {
      std::swap(rows, inputs);
      std::vector<std::byte>& turned = turned_[{matrix_.tensors[i], matrix_.slices[i]}];
      if (turned.empty())
        turned = transposed_matrix(data, static_cast<std::size_t>(layout.bytes),
                                   static_cast<std::size_t>(inputs), static_cast<std::size_t>(rows));
      data = turned.data();
    }
    return {data, *tensor.type, rows, inputs};
  }

  void turn_heads() {
    kernels::StoredMatrix& only = parts_[0];
    by_head_ = transposed_heads(matrix_, only);
    only = {reinterpret_cast<const std::byte*>(by_head_.data()), kernels::StoredType::f32,
            matrix_.by_head.heads * only.columns, matrix_.shape.inputs};
  }

  void normalise_rows() {
    kernels::StoredMatrix& only = parts_[0];
    unit_rows_ = std::make_unique<UnitRows>(only);
    only.coded = unit_rows_.get();
  }

  const graph::PackedMatrix& matrix_;
  const ModelFile& file_;
  std::vector<kernels::StoredMatrix> parts_;
  std::map<std::pair<std::size_t, std::int64_t>, std::vector<std::byte>> turned_;  // by tensor and slice
  std::vector<float> by_head_;
  std::unique_ptr<UnitRows> unit_rows_;
};

void pack_matrix(const graph::PackedMatrix& matrix, const ModelFile& file, std::byte* out, ThreadPool& pool) {
  const StoredParts stored(matrix, file);
  const auto blocks = static_cast<std::int64_t>(matrix.columns.size()) / kernels::kBlockColumns;
  const std::int64_t tasks = (blocks + kBlocksPerTask - 1) / kBlocksPerTask;  // of an expert
  std::atomic<std::int64_t> next{0};
  pool.run([&](int) {
    for (std::int64_t task = next++; task < tasks * matrix.experts; task = next++) {
      const std::int64_t expert = task / tasks;
      const std::int64_t first = task % tasks * kBlocksPerTask;
      kernels::pack_blocks(matrix.format, matrix.shape.inputs, stored.of(expert), matrix.columns, first,
                           std::min(first + kBlocksPerTask, blocks),
                           out + matrix.expert_bytes() * static_cast<std::size_t>(expert));
    }
  });
}

std::vector<float> pack_bias(const graph::PackedMatrix& matrix, const ModelFile& file) {
  if (!matrix.has_bias()) return {};
  std::map<std::ptrdiff_t, std::vector<float>> stored;  // by tensor
  for (const std::ptrdiff_t bias : matrix.biases)
    if (bias >= 0 && stored.count(bias) == 0)
      stored[bias] = read_vector(file, static_cast<std::size_t>(bias));
  const std::size_t parts = matrix.tensors.size() / static_cast<std::size_t>(matrix.experts);
  std::vector<float> packed;
  for (std::size_t first = 0; first < matrix.tensors.size(); first += parts)
    for (const kernels::ColumnSource& source : matrix.columns) {
      const std::size_t part = first + static_cast<std::size_t>(source.matrix);
      float value = 0;
      if (source.row >= 0 && matrix.biases[part] >= 0) {
        const auto bias = static_cast<std::size_t>(matrix.biases[part]);
        const std::int64_t slice_rows = file.description().tensors[bias].shape.back();
        value = stored.at(
            matrix.biases[part])[static_cast<std::size_t>(matrix.slices[part] * slice_rows + source.row)];
      }
      packed.push_back(value);
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

void divide_by_factors(std::vector<double>& frequencies, const graph::Plan& plan, const std::string& tensor,
                       const ModelFile& file) {
  if (tensor.empty()) return;
  const std::vector<float> factors =
      read_vector(file, static_cast<std::size_t>(file.description().find(tensor)));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    if (!(factors[i] > 0) || !std::isfinite(factors[i]))
      fail("{}: tensor {} element {} is {}: must be positive", plan.model, tensor, i, factors[i]);
    frequencies[i] /= static_cast<double>(factors[i]);
  }
}

graph::RopeAttributes final_rope(const graph::Plan& plan, graph::RopeAttributes rope, const ModelFile& file) {
  divide_by_factors(rope.inverse_frequencies, plan, rope.factors, file);
  divide_by_factors(rope.longer.inverse_frequencies, plan, rope.longer.factors, file);
  return rope;
}

void read_small_weights(Weights& weights, const graph::Plan& plan, const ModelFile& file) {
  for (const graph::PackedMatrix& matrix : plan.matrices) weights.biases.push_back(pack_bias(matrix, file));
  for (const graph::PaddedVector& vector : plan.vectors) weights.vectors.push_back(pad_vector(vector, file));
  for (const graph::RopeAttributes& rope : plan.ropes) weights.ropes.push_back(final_rope(plan, rope, file));
}

std::vector<const std::byte*> places_of(const graph::Plan& plan, const std::byte* first) {
  std::vector<const std::byte*> places;
  for (const graph::PackedMatrix& matrix : plan.matrices) {
    places.push_back(first);
    first += matrix.shape.total_bytes;
  }
  return places;
}

}  // namespace

std::byte* Weights::writable(std::size_t matrix) const {
  return memory.data() + (matrices[matrix] - matrices[0]);
}

Weights allocate_weights(const graph::Plan& plan) {
  Weights weights;
  weights.memory = HugeBuffer(plan.weight_bytes, "weights");
  weights.matrices = places_of(plan, weights.memory.data());
  return weights;
}

Weights mapped_weights(const graph::Plan& plan, const ModelFile& file, std::unique_ptr<WeightFile> mapped) {
  Weights weights;
  weights.mapped = std::move(mapped);
  weights.matrices = places_of(plan, weights.mapped->weights().data());
  read_small_weights(weights, plan, file);
  return weights;
}

Weights pack_weights(const graph::Plan& plan, const ModelFile& file, ThreadPool& pool,
                     const std::function<bool(double)>& progress) {
  Weights weights = allocate_weights(plan);
  std::size_t done = 0;
  for (std::size_t i = 0; i < plan.matrices.size(); ++i) {
    const graph::PackedMatrix& matrix = plan.matrices[i];
    try {
      pack_matrix(matrix, file, weights.writable(i), pool);
    } catch (const Error& error) {
      fail("{}: {}: {}", plan.model, matrix.name, error.what());
    }
    for (const std::size_t tensor : std::set<std::size_t>(matrix.tensors.begin(), matrix.tensors.end()))
      file.release_pages(tensor);
    done += matrix.shape.total_bytes;
    if (progress && !progress(static_cast<double>(done) / static_cast<double>(plan.weight_bytes)))
      fail("{}: loading was cancelled", plan.model);
  }
  read_small_weights(weights, plan, file);
  return weights;
}

}  // namespace burin::runtime
