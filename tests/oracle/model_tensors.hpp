// The tensors of a model file as doubles, as the oracle wants them.
#pragma once

#include "runtime/files/model_file.hpp"
#include "templates/formats/packing.hpp"
#include "tests/oracle/graph_oracle.hpp"

namespace burin::tests {

inline OracleTensor read_tensor(const runtime::ModelFile& file, const std::string& name) {
  const std::ptrdiff_t found = file.description().find(name);
  if (found < 0) throw std::logic_error("no tensor " + name);
  const auto index = static_cast<std::size_t>(found);
  const graph::TensorDescription& description = file.description().tensors[index];
  std::int64_t count = 1;
  for (const std::int64_t dimension : description.shape) count *= dimension;
  std::vector<float> values(static_cast<std::size_t>(count));
  kernels::stored_row_to_f32(*description.type, file.tensor_data(index).data(), count, values.data());
  return {description.shape, {values.begin(), values.end()}};
}

// Logits of all positions, row after row.
inline std::vector<double> oracle_logits(const runtime::ModelFile& file, const graph::Graph& graph,
                                         std::span<const std::int32_t> tokens) {
  GraphOracle oracle(graph, [&](const std::string& name) { return read_tensor(file, name); });
  std::vector<double> all;
  for (const Row& row : oracle.run(tokens)) all.insert(all.end(), row.begin(), row.end());
  return all;
}

}  // namespace burin::tests
