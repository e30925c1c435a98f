#include "tests/emulation/emulator.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "tests/emulation/amx.hpp"
#include "tests/emulation/instruction.hpp"
#include "tests/emulation/report.hpp"

namespace burin::emulation {
namespace {

std::array<std::atomic<std::uint64_t>, kNames> counters;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

void on_illegal_instruction(int, siginfo_t*, void* context) {
  const int saved_errno = errno;
  ProcessorState state(*static_cast<ucontext_t*>(context));
  emulate_instruction(state);
  errno = saved_errno;
}

}  // namespace

void emulate_instruction(ProcessorState& state) {
  Instruction instruction;
  decode(state.rip(), instruction);
  const bool known = emulate_amx(instruction, state);
  if (!known) die("this instruction is not emulated", instruction);
  counters[name_index(instruction)].fetch_add(1, std::memory_order_relaxed);
  state.set_rip(instruction.address + instruction.decoded.length);
}

InstructionEmulator::InstructionEmulator() {
  for (auto& counter : counters) counter.store(0, std::memory_order_relaxed);
  struct sigaction action = {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGILL, &action, &previous_) != 0)
    throw std::system_error(errno, std::generic_category(), "sigaction(SIGILL)");
}

InstructionEmulator::~InstructionEmulator() { sigaction(SIGILL, &previous_, nullptr); }

std::uint64_t InstructionEmulator::count(const char* mnemonic) const {
  return counters[name_index(mnemonic)].load(std::memory_order_relaxed);
}

std::uint64_t InstructionEmulator::total() const {
  std::uint64_t sum = 0;
  for (const auto& counter : counters) sum += counter.load(std::memory_order_relaxed);
  return sum;
}

std::vector<EmulatedCount> InstructionEmulator::counts() const {
  std::vector<EmulatedCount> all;
  for (std::size_t i = 0; i < kNames; ++i)
    if (const std::uint64_t count = counters[i].load(std::memory_order_relaxed))
      all.push_back({name_at(i), count});
  return all;
}

}  // namespace burin::emulation
