// The one place where environment variables are read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "jit/code_tool.hpp"

namespace burin::runtime {

// Where kernels are kept unless told otherwise: $BURIN_CACHE_DIR, else $XDG_CACHE_HOME/burin, else
// $HOME/.cache/burin; empty where none of them is set. As the XDG specification wants it, an XDG_CACHE_HOME that is
// no absolute path counts as not set.
std::string default_cache_folder();

// Which tools of the system shall be shown the kernels that this process loads; none unless asked for. The same ones at
// every call. Throws burin::Error where a variable's value is wrong, or the tool cannot be told.
//
//     BURIN_PERF_MAP=1         perf_map.hpp
//     BURIN_JITDUMP=FOLDER     jitdump.hpp
//     BURIN_GDB=1              gdb_interface.hpp
const std::vector<std::shared_ptr<jit::CodeTool>>& code_tools();

}  // namespace burin::runtime
