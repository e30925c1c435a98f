// Kernels by their names, as burin plan prints them.
#pragma once

#include <string>

#include "graph/plan.hpp"

namespace burin::tools {

// Throws burin::Error naming what is wrong with the name.
graph::KernelSpec parse_kernel_name(const std::string& name);

}  // namespace burin::tools
