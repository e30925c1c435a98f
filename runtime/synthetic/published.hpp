// Well-known models by their published config.json: one for each architecture that shapes.hpp has none of. Which tensors
// they have, architectures tell themselves when they are built.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "graph/model_description.hpp"
#include "runtime/synthetic/shapes.hpp"

namespace burin::runtime {

// None where no model has the name.
std::optional<graph::ModelDescription> published_description(const ShapeName& name,
                                                             kernels::StoredType matrices);
std::vector<std::string_view> published_names();

}  // namespace burin::runtime
