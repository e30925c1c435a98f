// What a review wants to see of a long kernel: its loops, and the longest of the innermost ones.
#pragma once

#include <string>

namespace burin::tests {

// `text` is what jit::disassemble gives without offsets. The result has a line for each loop, indented by its depth,
// and the code of the longest loop that has no other in it.
std::string hot_loop(const std::string& text);

}  // namespace burin::tests
