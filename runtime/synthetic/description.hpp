// Descriptions of well-known model shapes without a file, for benchmarks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/model_description.hpp"

namespace burin::runtime {

// "llama-7b", "mixtral-8x7b" ..., "llama-7b:8" (8 layers), or "llama-7b:8:512" (and a vocabulary of 512). Layers' matrices
// are described as `matrices`, embedding and head as Q8_0, the rest as F32. As a GGUF file (shapes.hpp) or a Hugging Face
// folder (published.hpp) has it. Throws burin::Error naming the shapes there are, or a row that is no multiple of the
// type's blocks.
graph::ModelDescription synthetic_description(const std::string& shape,
                                              kernels::StoredType matrices = kernels::StoredType::f16);

// All that there are.
std::vector<std::string_view> synthetic_names();

// Throws where the shape's rows are no multiple of the type's blocks.
graph::TensorDescription synthetic_tensor(std::string_view shape_name, std::string name,
                                          kernels::StoredType type, std::vector<std::int64_t> shape);

}  // namespace burin::runtime
