// Operands of a decoded instruction as the processor sees them: registers, memory, broadcasts, masks,
// rounding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tests/emulation/instruction.hpp"
#include "tests/emulation/processor_state.hpp"
#include "tests/emulation/rounding.hpp"

namespace burin::emulation {

// Address of a memory operand: base, index, displacement, RIP-relative, 32-bit addresses. Aborts at what no
// kernel uses: segments with a base of their own, and vectors of indices.
std::uint64_t effective_address(const Instruction& instruction, const ZydisDecodedOperand& operand,
                                const ProcessorState& state);

// Number of a general register by hardware numbering, 0 for rax, al, eax.
int general_number(ZydisRegister reg);
// Number of xmm7, ymm7, zmm7: 7.
int vector_number(ZydisRegister reg);
// Number of k3: 3.
int mask_number(ZydisRegister reg);

// MXCSR's rounding mode, or the one that is embedded in the instruction.
Rounding rounding_of(const Instruction& instruction, const ProcessorState& state);

// The mask {k}: all ones without one.
std::uint64_t mask_of(const Instruction& instruction, const ProcessorState& state);

std::uint8_t immediate_of(const Instruction& instruction);

// A source operand, read lane by lane: a lane that the mask leaves out must not be read, since it may lie in
// a page that is not there (SDM volume 2, section 2.7.4: the mask suppresses faults).
class Source {
 public:
  Source(const Instruction& instruction, int operand, const ProcessorState& state);

  // `bytes` at lane `index`, which start at byte index * bytes; with {1toN} every lane is the first.
  std::uint64_t lane(int index, int bytes) const;

 private:
  bool memory_ = false;
  bool broadcast_ = false;
  bool general_ = false;
  std::uint64_t value_ = 0;  // of a general register, or the address
  VectorBytes vector_ = {};
};

// A vector register as destination, written as a whole at the end:
//
//   bytes 63 ...            bytes ... 0
//   [ zero ][ lanes: new if the mask has a 1, else old or, with {z}, zero ]      packed
//   [ zero ][ upper operand, up to byte 15 ][ lane 0, as above ]                 scalar
class VectorResult {
 public:
  VectorResult(const Instruction& instruction, ProcessorState& state, int lane_bytes);

  bool active(int index) const { return (mask_ >> index & 1) != 0; }
  void set(int index, std::uint64_t value);
  void store_packed(int lanes);
  void store_scalar(int upper_operand);

 private:
  void put(int index, std::uint64_t value, VectorBytes& bytes) const;
  void merge(int index, VectorBytes& bytes) const;

  const Instruction& instruction_;
  ProcessorState& state_;
  int lane_bytes_;
  std::uint64_t mask_;
  bool zeroing_;
  int number_;
  VectorBytes old_;
  std::array<std::uint64_t, 64> lanes_ = {};
};

// Writes a general register; 32-bit registers clear the upper half.
void set_general_operand(const Instruction& instruction, int operand, std::uint64_t value,
                         ProcessorState& state);

}  // namespace burin::emulation
