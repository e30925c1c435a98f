// What this CPU and its operating system can run.
#pragma once

#include "jit/target.hpp"

namespace burin::jit {

// Empty where AVX2, FMA and F16C are not all there. Where the CPU has AMX, Linux is asked to let the process use it; if
// it does not, AMX is left out. Thread-safe.
FeatureSet host_features();

}  // namespace burin::jit
