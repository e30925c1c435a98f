// Steps whose work is shared out by heads, or by the column blocks that heads are made of.
#pragma once

#include "runtime/thread_view.hpp"

namespace burin::runtime {

// This thread's part of a step: what lies between projections and attention.
void run_heads(const ThreadView& view, const BoundStep& step);
void run_latent(const ThreadView& view, const BoundStep& step);

// Split::query_heads: rows of each head by themselves, times the head's own matrix.
void prepare_rows_of_heads(const ThreadView& view, const BoundStep& step);
void multiply_rows_of_heads(const ThreadView& view, const BoundStep& step);

}  // namespace burin::runtime
