// burin bench --save: the synthetic model as a file that other engines run as well.
#pragma once

#include "tools/commands/bench/options.hpp"

namespace burin::tools {

void save_synthetic(const BenchOptions& options);

}  // namespace burin::tools
