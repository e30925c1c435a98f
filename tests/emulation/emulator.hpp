// Runs kernels for CPUs that this host is not: instructions it lacks are emulated when they fault. All that a
// test does:
//
//   const jit::Target target = jit::parse_target("graniterapids");
//   if (!emulation::can_run(target)) GTEST_SKIP() << "skipped: this CPU has no AVX-512";
//   const emulation::EmulatedCpu cpu;
//   ... emit the kernel for `target` and call it, in any thread ...
//
// What the host has runs natively, and only the rest is emulated: AMX-INT8, -BF16 and -FP16, AVX512-FP16,
// -BF16, -VNNI and -VBMI, AVX-VNNI, AVX-VNNI-INT8 and GFNI. Vectors and masks live in the host's own
// registers, thus targets with AVX-512 need a host that has it. A signal takes about 8 microseconds on a
// virtual machine, an FP16 vector 1, a product of full tiles 5; FP16 and AMX instructions in a row share one
// signal.
//
// AMX tiles need nothing more than that: where the CPU lacks them, every thread has emulated tiles,
// configured by the kernel's LDTILECFG; where it has them, can_run() and EmulatedCpu ask Linux to let this
// process use them. Emulated tiles outlive neither thread nor process, and a signal handler shares those of
// the thread it interrupts.
//
// What is not emulated ends the process by SIGILL, with one line on stderr that names the instruction and its
// address.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/emulation/alternative_stack.hpp"
#include "tests/emulation/host.hpp"

namespace burin::emulation {

struct EmulatedCount {
  std::string mnemonic;
  std::uint64_t count;
};

// While one lives, SIGILL anywhere in the process is answered by emulation. Other signals wait until an
// instruction is done. Several nest in one thread, which starts the counts anew; not thread-safe to
// construct.
class EmulatedCpu {
 public:
  // Installs the handler, and an alternative stack for the calling thread, which must be the one to destroy
  // it. Throws std::system_error. Other threads are emulated on the stack they have; one that leaves less
  // than 32 KB of it needs an AlternativeStack of its own.
  explicit EmulatedCpu(Emulate emulate = Emulate::what_is_missing);
  // Restores what was there before.
  ~EmulatedCpu();
  EmulatedCpu(const EmulatedCpu&) = delete;
  EmulatedCpu& operator=(const EmulatedCpu&) = delete;

  // Whether one lives that emulates what this CPU may have itself.
  static bool takes_over();

  // Instructions emulated in any thread since construction; mnemonics in small letters.
  std::uint64_t count(const char* mnemonic) const;
  std::uint64_t total() const;
  std::vector<EmulatedCount> counts() const;

 private:
  AlternativeStack stack_;
  bool took_over_;
  struct sigaction previous_ = {};
};

}  // namespace burin::emulation
