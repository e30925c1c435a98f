// What this machine runs by itself, and what it can run under emulation.
#pragma once

#include <cstdint>

#include "jit/target.hpp"

namespace burin::emulation {

// Which instructions are emulated.
enum class Emulate : std::uint8_t {
  what_is_missing,
  // AMX and AVX512-FP16 in every LoadedKernel, whatever this CPU has of them: hosts that have both can show what the
  // emulator makes of a kernel, too.
  tiles_and_fp16,
};

// What CPU and system run. Other than jit::host_target() this includes AMX: Linux gives a process tiles once
// it has asked for them, and the first call asks. Throws burin::Error where not even AVX2 is there.
jit::FeatureSet native_features();

// What EmulatedCpu adds where the CPU lacks it: all but avx2 and avx512. AMX goes only as a whole: where the
// CPU has tiles of its own, nothing of it is emulated (AMX-FP16 on Sapphire Rapids), unless all of it is.
jit::FeatureSet emulated_features(Emulate emulate = Emulate::what_is_missing);

// Whether every feature of the target is native or emulated.
bool can_run(const jit::Target& target, Emulate emulate = Emulate::what_is_missing);

// Whether tile instructions run on the CPU. Async-signal-safe.
bool has_native_tiles();

}  // namespace burin::emulation
