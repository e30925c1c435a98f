// What the parts of the planner work on together: the fused graph, and the plan that is being made of it.
#pragma once

#include "graph/ir.hpp"
#include "graph/model_description.hpp"
#include "graph/plan.hpp"

namespace burin::graph {

struct PlanDraft {
  const ModelDescription& model;
  Graph graph;
  Plan plan;

  std::size_t tensor_index(const std::string& tensor) const {
    return static_cast<std::size_t>(model.find(tensor));
  }
  const TensorDescription& tensor(const std::string& name) const { return model.tensors[tensor_index(name)]; }
  const PackedMatrix& matrix(int index) const { return plan.matrices[static_cast<std::size_t>(index)]; }
  const Buffer& buffer(int index) const { return plan.buffers[static_cast<std::size_t>(index)]; }
};

constexpr std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace burin::graph
