// A kernel as tests load it: as it is, or so that the emulator also does what this CPU could do itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "jit/code_image.hpp"
#include "jit/executable_memory.hpp"

namespace burin::emulation {

// Whether the code has an AMX or AVX512-FP16 instruction.
bool has_tiles_or_fp16(const jit::CodeImage& image);

// Owns an executable copy of the image. While an EmulatedCpu lives that takes over (emulator.hpp), `ud2` stands in
// the place of every AMX and AVX512-FP16 instruction, and the signal handler finds here what stood there:
//
//     as emitted      c4 e2 7b 5c c1      tdpfp16ps tmm0, tmm1, tmm2
//     as loaded       0f 0b 7b 5c c1      ud2, and bytes that no one reads
//
// To be made and destroyed where no other thread does so; any thread may run it.
class LoadedKernel {
 public:
  // Throws burin::Error where the system refuses the mapping; std::length_error where too many are loaded.
  explicit LoadedKernel(const jit::CodeImage& image);
  ~LoadedKernel();
  LoadedKernel(const LoadedKernel&) = delete;
  LoadedKernel& operator=(const LoadedKernel&) = delete;

  const void* entry() const { return memory_.entry(); }

  // Whether the bytes at `address` are those of a loaded kernel with `ud2`s; then where to read what was emitted,
  // else `address` itself. Async-signal-safe.
  static bool is_trapping(std::uint64_t address);
  static std::uint64_t as_emitted(std::uint64_t address);

 private:
  std::vector<std::uint8_t> emitted_;  // empty where nothing is replaced
  jit::ExecutableMemory memory_;
};

}  // namespace burin::emulation
