#include "runtime/stop_reason.hpp"

#include <cstddef>

namespace burin::runtime {

std::string_view to_text(StopReason reason) {
  constexpr std::string_view kNames[] = {"end_of_text", "length", "context", "stop_text", "interrupted"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace burin::runtime
