// The one place where environment variables are read.
#pragma once

#include <string>

namespace burin::runtime {

// Where kernels are kept unless told otherwise: $BURIN_CACHE_DIR, else $XDG_CACHE_HOME/burin, else
// $HOME/.cache/burin; empty where none of them is set. As the XDG specification wants it, an XDG_CACHE_HOME that is
// no absolute path counts as not set.
std::string default_cache_folder();

}  // namespace burin::runtime
