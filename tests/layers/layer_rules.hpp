// The rules of layers: which folder may include what.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace burin::tests {

// Checks the source tree under `root` and returns one sentence per broken rule, sorted:
//
// - A file includes headers of its own layer and of those below it only. Bottom to top: jit, templates,
//   graph, runtime, tools, tests, bench.
// - graph/, runtime/ and what of jit/ and templates/ is built without the emitter do not get to see the assembler,
//   neither directly nor through other headers.
// - Emitters do not ask what the host is.
// - jit/ does not so much as mention the libraries that read models and text.
// - Includes are written out, so that all this can be checked.
std::vector<std::string> broken_layer_rules(const std::filesystem::path& root);

// How many source files were found, so that a check of nothing is noticed.
std::size_t count_layer_files(const std::filesystem::path& root);

}  // namespace burin::tests
