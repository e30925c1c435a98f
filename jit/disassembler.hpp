// Machine code as text, by Zydis.
#pragma once

#include <cstdint>
#include <string>

#include "jit/code_image.hpp"

namespace burin::jit {

// Without offsets, code that moved reads as it did.
enum class Offsets : std::uint8_t { shown, left_out };

// One line per instruction in Intel syntax, behind its offset and a bar for each loop it is in. Jump targets are
// numbered and have a line of their own, which says where a loop begins; constants behind the code are written by
// their first dword:
//
//   L1:  ; loop, depth 1, 3 instructions
//     001a  | vpaddd zmm0, zmm0, [constant 0x06060606]
//     0020  | dec rcx
//     0023  | jnz L1
//
// A loop is what lies between a jump back and its target. Where the image says what registers are for
// (Target::with_roles), operands follow by their roles; registers without one keep their names:
//
//     0020  | vfmadd231ps zmm0, zmm3, [rsi+0x40]              ; sum[0,0], code[0], [weights]
std::string disassemble(const CodeImage& image, Offsets offsets = Offsets::shown);

}  // namespace burin::jit
