// What packed weights depend on.
#pragma once

#include <string>

#include "graph/plan.hpp"
#include "runtime/files/model_file.hpp"

namespace burin::runtime {

// Lines of text: which code packs (packing_id.hpp), the model's files as they were when they were opened (FileStamp), and
// the SHA-256 of what is taken from them and how: configuration and tensors, the plan's matrices. Weights that were packed
// under the same key are the same, byte for byte. Reads nothing of the tensors.
std::string weight_key(const graph::Plan& plan, const ModelFile& file);

}  // namespace burin::runtime
