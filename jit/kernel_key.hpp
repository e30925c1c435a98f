// What a kernel is found by.
#pragma once

#include <string>
#include <string_view>

#include "jit/target.hpp"

namespace burin::jit {

struct KernelKey {
  std::string_view name;  // canonical text of the spec
  FeatureSet features;    // of the target it is emitted for

  // "NAME@avx2,avx512": equal texts mean equal bytes, from one emitter. No name holds a '@'.
  std::string text() const { return std::string(name) + '@' + to_text(features); }
};

}  // namespace burin::jit
