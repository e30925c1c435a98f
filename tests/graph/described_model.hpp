// Models without data: what a folder or file says of itself, kept as text beside the tests.
#pragma once

#include <string>

#include "graph/model_description.hpp"

namespace burin::graph {

// JSON: architecture, configuration, and a line "name type 4x64" per tensor.
std::string to_json_text(const ModelDescription& model);
ModelDescription parse_description(const std::string& json, const std::string& path);

}  // namespace burin::graph
