// What this CPU and its operating system can run.
#pragma once

#include "jit/target.hpp"

namespace burin::jit {

// Empty where AVX2, FMA and F16C are not all there. AMX is left out: programs have to ask the kernel for it.
FeatureSet host_features();

}  // namespace burin::jit
