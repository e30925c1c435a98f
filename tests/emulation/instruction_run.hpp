// Runs emitted instructions on a full set of registers: emulated, and on the CPU.
#pragma once

#include <xbyak/xbyak.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#include "tests/emulation/processor_state.hpp"
#include "tests/support/random_values.hpp"

namespace burin::emulation {

// All that an instruction can see or change but memory.
struct Registers {
  alignas(64) std::array<VectorBytes, 32> vector = {};
  std::array<std::uint64_t, 8> mask = {};
  std::array<std::uint64_t, 16> general = {};  // rax, rcx, rdx, rbx, rsp (ignored), rbp ...
  std::uint64_t flags = 0x202;
  std::uint64_t mxcsr = 0x1f80;

  bool operator==(const Registers&) const = default;
};

enum GeneralNumber { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kR8, kR9 };

Registers random_registers(tests::RandomValues& random);

// Lane `index` of `Value`s in a vector.
template <typename Value>
Value lane(const VectorBytes& vector, int index) {
  Value value;
  std::memcpy(&value, vector.data() + static_cast<std::size_t>(index) * sizeof(value), sizeof(value));
  return value;
}
template <typename Value>
void set_lane(VectorBytes& vector, int index, Value value) {
  std::memcpy(vector.data() + static_cast<std::size_t>(index) * sizeof(value), &value, sizeof(value));
}

using Emit = std::function<void(Xbyak::CodeGenerator&)>;

// Calls the emulator for every instruction, on a made-up signal frame: the same on every host.
Registers run_emulated(const Emit& emit, const Registers& before);

// Calls the code: the CPU does what it can, SIGILL and an EmulatedCpu the rest. Needs AVX-512.
Registers run_on_cpu(const Emit& emit, const Registers& before);

// Both, where the host has AVX-512; expects them to agree in every register.
Registers run(const Emit& emit, const Registers& before);

}  // namespace burin::emulation
