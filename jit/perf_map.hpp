// Linux perf's list of code that is in no file ("perf map": tools/perf/Documentation/jit-interface.txt of Linux).
#pragma once

#include <memory>

#include "jit/code_tool.hpp"

namespace burin::jit {

// Appends a line "ADDRESS BYTES NAME" per kernel to /tmp/perf-PID.map, the one place where perf looks; the file stays
// for `perf report`. Kernels that go stay in it. Throws burin::Error where the file cannot be made.
std::shared_ptr<CodeTool> make_perf_map();

}  // namespace burin::jit
