// Descriptions of well-known model shapes without a file, for benchmarks.
#pragma once

#include <string>

#include "graph/model_description.hpp"

namespace burin::runtime {

// "llama-7b", "mixtral-8x7b" ..., or "llama-7b:8" (8 layers). Layers' matrices are described as `matrices`, embedding and
// head as Q8_0, the rest as F32. As a GGUF file has it, but for GPT-J: as Hugging Face has it. Throws burin::Error
// naming the shapes there are, or a row that is no multiple of the type's blocks.
graph::ModelDescription synthetic_description(const std::string& shape,
                                              kernels::StoredType matrices = kernels::StoredType::f16);

}  // namespace burin::runtime
