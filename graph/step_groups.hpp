// Steps of one kind and shape, whose times are counted together.
#pragma once

#include <string>

#include "graph/plan.hpp"

namespace burin::graph {

struct StepGroup {
  std::string kind;  // "gemm qkv", "attention", ...
  std::string name;  // of matrices with inputs, outputs and format: "gemm qkv 4096x12288 int4s.g32.f16"

  bool operator==(const StepGroup&) const = default;
};

StepGroup group_of(const Plan& plan, const Step& step);

}  // namespace burin::graph
