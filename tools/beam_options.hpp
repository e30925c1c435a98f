// Beam search, for the commands that can do without sampling.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "runtime/beam_search/options.hpp"

namespace burin::tools {

// --beams and what belongs to it. The options must live as long as the command. Returns --beams.
CLI::Option* add_beam_options(CLI::App& command, runtime::BeamSearchOptions& beams);
// Throws UsageError naming the first of the options that was given, as it means nothing beside --beams.
void refuse_beside_beams(const std::vector<CLI::Option*>& sampling);

}  // namespace burin::tools
