// Linux perf's record of generated code with its bytes, so that `perf annotate` shows instructions
// (tools/perf/Documentation/jitdump-specification.txt of Linux):
//
//     BURIN_JITDUMP=. perf record -k 1 burin run ...
//     perf inject --jit -i perf.data -o perf.jit.data
//     perf report -i perf.jit.data
#pragma once

#include <filesystem>
#include <memory>

#include "jit/code_tool.hpp"

namespace burin::jit {

// Writes jit-PID.dump in `folder`, and maps its beginning executable (it is never run), by which perf finds it. Throws
// burin::Error where it cannot.
std::shared_ptr<CodeTool> make_jitdump(const std::filesystem::path& folder);

}  // namespace burin::jit
