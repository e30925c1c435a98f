// Runs kernels for CPUs that this host is not: instructions it lacks are emulated when they fault.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/emulation/alternative_stack.hpp"
#include "tests/emulation/processor_state.hpp"

namespace burin::emulation {

// Emulates the instruction at the state's RIP and moves RIP behind it. Aborts with the instruction's name and
// bytes on stderr where it is not known, or where the processor would fault. Async-signal-safe.
void emulate_instruction(ProcessorState& state);

struct EmulatedCount {
  std::string mnemonic;
  std::uint64_t count;
};

// While one lives, SIGILL anywhere in the process is answered by emulation: AMX, AVX512-FP16, AVX-VNNI-INT8
// and VDPPHPS. Instructions that the host has run as they are. One at a time; not thread-safe to construct.
class InstructionEmulator {
 public:
  // Installs the handler, and an alternative stack for the calling thread, which must be the one to destroy
  // it. Throws std::system_error. Other threads are emulated, too, on the stack they have, or on an
  // AlternativeStack of their own.
  InstructionEmulator();
  // Restores what was there before.
  ~InstructionEmulator();
  InstructionEmulator(const InstructionEmulator&) = delete;
  InstructionEmulator& operator=(const InstructionEmulator&) = delete;

  // Instructions emulated in any thread since construction; mnemonics in small letters.
  std::uint64_t count(const char* mnemonic) const;
  std::uint64_t total() const;
  std::vector<EmulatedCount> counts() const;

 private:
  AlternativeStack stack_;
  struct sigaction previous_ = {};
};

}  // namespace burin::emulation
