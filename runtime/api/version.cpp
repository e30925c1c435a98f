#include "burin/burin.hpp"

namespace burin {

std::string_view version() noexcept { return BURIN_VERSION; }

}  // namespace burin
