#include "tests/emulation/emulator.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "tests/emulation/amx.hpp"
#include "tests/emulation/emulate.hpp"
#include "tests/emulation/fp16.hpp"
#include "tests/emulation/loaded_kernel.hpp"
#include "tests/emulation/report.hpp"

namespace burin::emulation {
namespace {

std::array<std::atomic<std::uint64_t>, kNames> counters;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// Read before the first signal.
std::atomic<bool> lacks_fp16, lacks_tiles, taking_over;

// Whether the instruction, as it is loaded, would raise a signal of its own.
bool would_fault(const Instruction& instruction) {
  const bool trapping = LoadedKernel::is_trapping(instruction.address);
  return ((lacks_fp16 || trapping) && is_fp16(instruction)) ||
         ((lacks_tiles || trapping) && is_amx(instruction));
}

void emulate_and_count(const Instruction& instruction, ProcessorState& state) {
  emulate_instruction(instruction, state);
  counters[name_index(instruction)].fetch_add(1, std::memory_order_relaxed);
}

void on_illegal_instruction(int, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  if (info->si_code <= 0) die("SIGILL sent by a process, not raised by an instruction");
  ProcessorState state(*static_cast<ucontext_t*>(context));
  Instruction instruction;
  decode(state.rip(), instruction);
  if (is_amx(instruction) && has_native_tiles() && !LoadedKernel::is_trapping(instruction.address))
    die("not emulated beside the tiles that this CPU has itself: see emulation::can_run", instruction);
  emulate_and_count(instruction, state);
  // A signal takes ten times as long as emulation: what follows and would raise the next one is done at once.
  while (try_decode(state.rip(), instruction) && would_fault(instruction))
    emulate_and_count(instruction, state);
  errno = saved_errno;
}

// All signals but those that tell of a fault: an instruction is done or not begun when a handler runs.
sigset_t deferred_signals() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int fault : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS, SIGABRT})
    sigdelset(&signals, fault);
  return signals;
}

// The dynamic linker looks symbols up at their first call, which had better not be in the handler.
void bind_decoder() {
  alignas(16) static constexpr std::uint8_t kNop[16] = {0x90};
  Instruction instruction;
  decode(reinterpret_cast<std::uint64_t>(kNop), instruction);
}

}  // namespace

EmulatedCpu::EmulatedCpu(Emulate emulate) : took_over_(taking_over) {
  lacks_fp16 = !native_features().has(jit::Feature::avx512fp16);
  lacks_tiles = !has_native_tiles();
  taking_over = emulate == Emulate::tiles_and_fp16;
  bind_decoder();
  for (auto& counter : counters) counter.store(0, std::memory_order_relaxed);
  struct sigaction action = {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  action.sa_mask = deferred_signals();
  if (sigaction(SIGILL, &action, &previous_) != 0)
    throw std::system_error(errno, std::generic_category(), "sigaction(SIGILL)");
}

EmulatedCpu::~EmulatedCpu() {
  taking_over = took_over_;
  sigaction(SIGILL, &previous_, nullptr);
}

bool EmulatedCpu::takes_over() { return taking_over; }

std::uint64_t EmulatedCpu::count(const char* mnemonic) const {
  return counters[name_index(mnemonic)].load(std::memory_order_relaxed);
}

std::uint64_t EmulatedCpu::total() const {
  std::uint64_t sum = 0;
  for (const auto& counter : counters) sum += counter.load(std::memory_order_relaxed);
  return sum;
}

std::vector<EmulatedCount> EmulatedCpu::counts() const {
  std::vector<EmulatedCount> all;
  for (std::size_t i = 0; i < kNames; ++i)
    if (const std::uint64_t count = counters[i].load(std::memory_order_relaxed))
      all.push_back({name_at(i), count});
  return all;
}

}  // namespace burin::emulation
