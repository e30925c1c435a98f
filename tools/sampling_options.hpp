// How the next token is picked, for the commands that generate text.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "runtime/sampling/options.hpp"

namespace burin::tools {

// --temp, --top-k and so on: the names that llama.cpp has for them. The options must live as long as the command.
// Returns what was added.
std::vector<CLI::Option*> add_sampling_options(CLI::App& command, runtime::SamplingOptions& sampling);

}  // namespace burin::tools
