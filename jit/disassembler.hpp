// Machine code as text, by Zydis.
#pragma once

#include <string>

#include "jit/code_image.hpp"

namespace burin::jit {

// One line per instruction in Intel syntax: "  001a  vpaddd zmm0, zmm0, zmm1". Jump targets get a line of
// their own; constants behind the code are left out.
std::string disassemble(const CodeImage& image);

}  // namespace burin::jit
