#include "graph/model_description.hpp"

#include <algorithm>
#include <numeric>

namespace burin::graph {

void ModelDescription::index_tensors() {
  by_name_.resize(tensors.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::sort(by_name_.begin(), by_name_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return tensors[a].name < tensors[b].name; });
}

void ModelDescription::add_tensor(TensorDescription tensor) {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), tensor.name,
                                   [&](std::uint32_t i, std::string_view n) { return tensors[i].name < n; });
  by_name_.insert(at, static_cast<std::uint32_t>(tensors.size()));
  tensors.push_back(std::move(tensor));
}

std::ptrdiff_t ModelDescription::find(std::string_view name) const {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [&](std::uint32_t i, std::string_view n) { return tensors[i].name < n; });
  if (at == by_name_.end() || tensors[*at].name != name) return -1;
  return static_cast<std::ptrdiff_t>(*at);
}

}  // namespace burin::graph
