// Profilers and debuggers of the system, which know code by files: how they learn of kernels, which are in none.
#pragma once

#include <memory>

#include "jit/code_image.hpp"

namespace burin::jit {

class CodeTool {
 public:
  virtual ~CodeTool() = default;

  // Shows the kernel of this image, whose code begins at `entry`, as a function of the image's name. What comes back is
  // to be dropped before the code's memory goes; it may be null. Thread-safe. Throws burin::Error where the tool cannot
  // be told.
  virtual std::shared_ptr<const void> show(const CodeImage& image, const void* entry) = 0;
};

}  // namespace burin::jit
