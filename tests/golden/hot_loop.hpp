// What a review wants to see of a long kernel: its loops, and the innermost ones that take the time.
#pragma once

#include <string>

namespace burin::tests {

// `text` is what jit::disassemble gives without offsets. The result has a line for each loop, indented by its depth,
// and the code of the longest loop that has no other in it; also of the most deeply nested one where that is another (of
// those, the longest).
std::string hot_loop(const std::string& text);

}  // namespace burin::tests
