#include "graph/planner/widened_types.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace burin::graph {
namespace {

constexpr double kWorthSaying = 1.05;

struct Sizes {
  double stored = 0;
  double packed = 0;
  kernels::WeightFormat format;
};

double values_of(const TensorDescription& tensor) {
  double values = 1;
  for (const std::int64_t dimension : tensor.shape) values *= static_cast<double>(dimension);
  return values;
}

double mebibytes(double bytes) { return bytes / (1 << 20); }

}  // namespace

std::vector<std::string> widened_types(const ModelDescription& model,
                                       const std::vector<PackedMatrix>& matrices) {
  std::map<std::string, Sizes> by_type;
  std::set<std::size_t> seen;  // parts of one tensor may be in several matrices
  for (const PackedMatrix& matrix : matrices) {
    const double bytes_per_value = static_cast<double>(matrix.shape.unit_bytes) /
                                   static_cast<double>(matrix.shape.unit_inputs * kernels::kBlockColumns);
    for (const std::size_t index : matrix.tensors) {
      const TensorDescription& tensor = model.tensors[index];
      if (!matrix.format.has_codes() || tensor.natural_format() != matrix.format) continue;
      if (!seen.insert(index).second) continue;
      Sizes& sizes = by_type[tensor.type_name];
      sizes.format = matrix.format;
      sizes.stored += static_cast<double>(tensor.bytes);
      sizes.packed += values_of(tensor) * bytes_per_value;
    }
  }
  std::vector<std::string> remarks;
  for (const auto& [type, sizes] : by_type)
    if (sizes.packed > kWorthSaying * sizes.stored)
      remarks.push_back(fmt::format("{} weights are held as {}: {:.1f} MiB in memory, {:.1f} in the file",
                                    type, to_text(sizes.format), mebibytes(sizes.packed),
                                    mebibytes(sizes.stored)));
  return remarks;
}

}  // namespace burin::graph
