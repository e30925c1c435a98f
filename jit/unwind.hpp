// How a kernel's caller is found from any of its instructions: call frame information as DWARF has it (DWARF 5,
// 6.4; System V ABI for x86-64, 3.7 and 4.2.4), for debuggers, profilers and crash handlers.
//
// What belongs to a kernel is its unwind program: the instructions of its FDE, without the addresses round them, so
// that they are part of a relocatable image. There is one kind of frame (Assembler::begin_frame):
//
//     CFA - 8    return address
//     CFA - 16   rbp of the caller    <- rbp
//     CFA - 24   rbx, r12, r13, r14, r15 of the caller, one below the other
//                locals, from where rsp is aligned
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace burin::jit {

// Writes the program of a kernel. Offsets count from its first byte, never falling.
class UnwindProgram {
 public:
  // Behind `push rbp`, behind `mov rbp, rsp`, and behind the pushes of the other registers.
  void enter(std::size_t pushed, std::size_t framed, std::size_t saved);
  // Behind `pop rbp`, and behind `ret`, where code of the same frame may follow.
  void leave(std::size_t popped, std::size_t returned);
  // From here on rbp holds something else; what it was lies `above` bytes above rsp.
  void lend_rbp(std::size_t at, int above);
  // From here on rbp is what it was.
  void reclaim_rbp(std::size_t at);

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  void advance(std::size_t to);

  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

// Code and the program for it.
struct UnwoundCode {
  std::size_t code_bytes = 0;
  std::span<const std::uint8_t> program;
};

enum class CodeAddresses : std::uint8_t {
  relative,  // 32 bits: the distance from the place itself to the code
  absolute,  // 64 bits
};

// An .eh_frame section, whose places for addresses are zero.
struct EhFrame {
  std::vector<std::uint8_t> bytes;
  std::vector<std::size_t> places;  // of each code's address, in the order of the codes
};
EhFrame eh_frame(std::span<const UnwoundCode> codes, CodeAddresses addresses = CodeAddresses::relative);

}  // namespace burin::jit
