// Packed weights that the next start maps.
#pragma once

#include "tools/common_options.hpp"

namespace burin::tools {

// Keeps the model's weights where that is wanted and worth it, and says so: with a bar on a terminal, and a Ctrl-C ends it.
// To be called when all else is done. What goes wrong is a note, no error.
void keep_weights(const CommonOptions& options, const runtime::Model& model);

}  // namespace burin::tools
