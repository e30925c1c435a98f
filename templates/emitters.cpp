#include "templates/emitters.hpp"

namespace burin::kernels {

bool has_emitters() { return true; }

}  // namespace burin::kernels
