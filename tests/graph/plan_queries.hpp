// Plans of made-up models, and what is in them.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "graph/plan.hpp"
#include "tests/graph/made_llama.hpp"

namespace burin::graph {

inline Plan plan_of(const ModelDescription& model, const PlanOptions& options = {},
                    const char* target = "icelake-server") {
  return make_plan(model, jit::parse_target(target), options);
}

inline MadeLlama typed(kernels::StoredType type) {
  MadeLlama made;
  made.type = type;
  return made;
}

// Steps of one node, in order.
inline std::vector<Step> steps_of(const Program& program, std::string_view name) {
  std::vector<Step> steps;
  std::copy_if(program.begin(), program.end(), std::back_inserter(steps),
               [&](const Step& step) { return step.name == name; });
  return steps;
}

inline const PackedMatrix& matrix_of(const Plan& plan, const Step& step) {
  return plan.matrices.at(static_cast<std::size_t>(step.matrix));
}

}  // namespace burin::graph
