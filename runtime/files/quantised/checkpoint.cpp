#include "runtime/files/quantised/checkpoint.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "jit/error.hpp"

namespace burin::runtime::quantised {
namespace {

constexpr std::size_t kLongestName = 120;                     // that messages show
constexpr std::int64_t kLargestSide = std::int64_t{1} << 31;  // rows and inputs are counted in 32 bits

}  // namespace

std::vector<std::string> Checkpoint::layers_with(std::string_view suffix) const {
  std::vector<std::string> layers;
  for (const graph::TensorDescription& tensor : description_.tensors)
    if (tensor.name.size() > suffix.size() && tensor.name.ends_with(suffix))
      layers.push_back(tensor.name.substr(0, tensor.name.size() - suffix.size()));
  return layers;
}

StoredTensor Checkpoint::require(const std::string& tensor,
                                 std::initializer_list<std::string_view> types) const {
  const std::ptrdiff_t index = description_.find(tensor);
  if (index < 0) refuse(tensor, "is missing: the checkpoint is incomplete");
  const auto at = static_cast<std::size_t>(index);
  const StoredTensor found = {std::make_shared<graph::TensorDescription>(description_.tensors[at]),
                              data_[at]};
  if (std::find(types.begin(), types.end(), found.type()) == types.end())
    refuse(tensor, fmt::format("has type {}: {} is supported", found.type(), fmt::join(types, " or ")));
  return found;
}

StoredTensor Checkpoint::require(const std::string& tensor, std::initializer_list<std::string_view> types,
                                 const std::vector<std::int64_t>& shape) const {
  const StoredTensor found = require(tensor, types);
  if (found.shape() != shape)
    refuse(tensor, fmt::format("has shape [{}]: the other tensors of the layer and the settings ask for [{}]",
                               fmt::join(found.shape(), ", "), fmt::join(shape, ", ")));
  return found;
}

StoredTensor Checkpoint::require_matrix(const std::string& tensor,
                                        std::initializer_list<std::string_view> types) const {
  const StoredTensor found = require(tensor, types);
  const std::vector<std::int64_t>& shape = found.shape();
  const auto impossible = [](std::int64_t side) { return side < 1 || side >= kLargestSide; };
  if (shape.size() != 2 || std::any_of(shape.begin(), shape.end(), impossible))
    refuse(tensor, fmt::format("has shape [{}]: a matrix is expected", fmt::join(shape, ", ")));
  return found;
}

void Checkpoint::refuse(const std::string& tensor, std::string_view why) const {
  fail("{}: tensor {} {}", description_.path, printable(tensor, kLongestName), why);
}

}  // namespace burin::runtime::quantised
