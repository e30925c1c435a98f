// Which emitter made a kernel.
#pragma once

#include <cstdint>
#include <string>

#include "jit/sha256.hpp"

namespace burin::jit {

struct EmitterId {
  Digest build = {};            // changes whenever emitted bytes could
  std::uint32_t arguments = 0;  // changes whenever keys or argument structs could

  bool operator==(const EmitterId&) const = default;
};

// Of this program; computed from the sources when it was built (cmake/write_build_id.cmake).
const EmitterId& this_emitter();

}  // namespace burin::jit
