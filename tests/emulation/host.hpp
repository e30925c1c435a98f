// What this machine runs by itself, and what it can run under emulation.
#pragma once

#include "jit/target.hpp"

namespace burin::emulation {

// What CPU and system run. Other than jit::host_target() this includes AMX: Linux gives a process tiles once
// it has asked for them, and the first call asks. Throws burin::Error where not even AVX2 is there.
jit::FeatureSet native_features();

// What EmulatedCpu adds where the CPU lacks it: all but avx2 and avx512. AMX goes only as a whole: where the
// CPU has tiles of its own, nothing of it is emulated (AMX-FP16 on Sapphire Rapids).
jit::FeatureSet emulated_features();

// Whether every feature of the target is native or emulated.
bool can_run(const jit::Target& target);

// Whether tile instructions run on the CPU. Async-signal-safe.
bool has_native_tiles();

}  // namespace burin::emulation
