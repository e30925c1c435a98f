// Steps that attend: which thread takes which heads, rows and keys.
#pragma once

#include "runtime/thread_view.hpp"

namespace burin::runtime {

// This thread's part of an attention step; all threads of the run call it.
void run_attention(const ThreadView& view, const BoundStep& step);

}  // namespace burin::runtime
