// How the next token is picked, for the commands that generate text.
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/sampler.hpp"

namespace burin::tools {

// --temp, --top-k, --top-p, --min-p, --repeat-penalty, --repeat-last, --seed.
void add_sampling_options(CLI::App& command, runtime::SamplingOptions& sampling);

}  // namespace burin::tools
