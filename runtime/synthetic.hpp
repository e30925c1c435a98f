// Descriptions of well-known model shapes without a file, for benchmarks.
#pragma once

#include <string>

#include "graph/model_description.hpp"

namespace burin::runtime {

// "llama-7b", "mixtral-8x7b" ..., or "llama-7b:8" (8 layers). Layers' matrices are described as F16, embedding and head as Q8_0.
// Throws burin::Error naming the shapes there are.
graph::ModelDescription synthetic_description(const std::string& shape);

}  // namespace burin::runtime
