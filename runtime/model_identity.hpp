// Whether two loaded models are the same.
#pragma once

#include <string>

#include "runtime/model.hpp"

namespace burin::runtime {

// SHA-256 in hexadecimal digits over the model's configuration and its tensors' names, types, shapes and first
// bytes: the same for every copy of a model's files, on every machine. Reads a page of each tensor.
std::string model_identity(const Model& model);

}  // namespace burin::runtime
