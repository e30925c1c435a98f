// Descriptions of small made-up LLaMA models, as a file of either kind would give them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model_description.hpp"

namespace burin::graph {

struct MadeLlama {
  Origin origin = Origin::gguf;
  std::int64_t hidden = 64;
  std::int64_t feed_forward = 96;
  std::int64_t layers = 2;
  std::int64_t heads = 4;
  std::int64_t kv_heads = 2;
  std::int64_t vocabulary = 100;
  std::int64_t context = 512;
  kernels::StoredType type = kernels::StoredType::f16;  // of all matrices; norms are F32
  bool own_head = true;

  std::int64_t head_size() const { return hidden / heads; }
};

ModelDescription describe(const MadeLlama& made);

// Adds the tensor, or gives the one of this name another type and shape.
void set_tensor(ModelDescription& model, std::string_view name, kernels::StoredType type,
                std::vector<std::int64_t> shape);
// Gives a tensor that is there another type.
void set_type(ModelDescription& model, std::string_view name, kernels::StoredType type);
void remove_tensor(ModelDescription& model, std::string_view name);

}  // namespace burin::graph
