// The targets that this host can run, from plain AVX2 to everything it has.
#pragma once

#include <string>
#include <vector>

#include "jit/error.hpp"
#include "jit/target.hpp"

namespace burin::tests {

inline std::vector<jit::Target> host_targets() {
  std::vector<jit::Target> targets;
  for (const char* name : {"avx2", "avxvnni", "avx512", "avx512vnni", "avx512vnni,avx512bf16"}) {
    jit::Target target = jit::parse_target(name);
    if (target.features.without(jit::host_target().features).empty()) targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace burin::tests
