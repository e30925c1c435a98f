#include "tests/emulation/fp16.hpp"
#include "tests/emulation/half_parts.hpp"
#include "tests/emulation/lanes.hpp"

namespace burin::emulation {
namespace {

void compare(const Instruction& instruction, ProcessorState& state, int lanes) {
  const Source a(instruction, 1, state);
  const Source b(instruction, 2, state);
  const unsigned predicate = immediate_of(instruction) & 0x1fu;
  write_mask(instruction, state, lanes, [&](int i) {
    return half_predicate(static_cast<Half>(a.lane(i, 2)), static_cast<Half>(b.lane(i, 2)), predicate);
  });
}

void classify(const Instruction& instruction, ProcessorState& state, int lanes) {
  const Source a(instruction, 1, state);
  const unsigned classes = immediate_of(instruction);
  write_mask(instruction, state, lanes,
             [&](int i) { return (half_class(static_cast<Half>(a.lane(i, 2))) & classes) != 0; });
}

// VCOMISH and VUCOMISH differ in the NaNs that raise #I. Unordered sets ZF, PF and CF, less CF, equal ZF; OF,
// SF and AF are cleared.
void compare_to_flags(const Instruction& instruction, ProcessorState& state) {
  constexpr std::uint64_t kCarry = 1, kParity = 4, kAdjust = 0x10, kZero = 0x40, kSign = 0x80,
                          kOverflow = 0x800;
  const HalfOrder order = half_compare(static_cast<Half>(Source(instruction, 0, state).lane(0, 2)),
                                       static_cast<Half>(Source(instruction, 1, state).lane(0, 2)));
  std::uint64_t flags = state.flags() & ~(kCarry | kParity | kAdjust | kZero | kSign | kOverflow);
  if (order == kUnordered) flags |= kZero | kParity | kCarry;
  if (order == kLess) flags |= kCarry;
  if (order == kEqual) flags |= kZero;
  state.set_flags(flags);
}

}  // namespace

bool emulate_fp16_comparison(const Instruction& instruction, ProcessorState& state) {
  switch (instruction.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_VCMPPH: compare(instruction, state, vector_lanes(instruction, 2)); return true;
    case ZYDIS_MNEMONIC_VCMPSH: compare(instruction, state, 1); return true;
    case ZYDIS_MNEMONIC_VFPCLASSPH: classify(instruction, state, vector_lanes(instruction, 2)); return true;
    case ZYDIS_MNEMONIC_VFPCLASSSH: classify(instruction, state, 1); return true;
    case ZYDIS_MNEMONIC_VCOMISH:
    case ZYDIS_MNEMONIC_VUCOMISH: compare_to_flags(instruction, state); return true;
    default: return false;
  }
}

}  // namespace burin::emulation
