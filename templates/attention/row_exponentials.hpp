// The softmax's second pass over a row of scores: they become probabilities, in the form that products take them (floats, pairs
// of bf16, or whole numbers), and their sum is added to the row's.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

// To vector registers that stay for as long as rows are worked on.
void emit_exponential_constants(const AttentionContext& context);

// Of the row at hand, whose maximum is known: works with what SoftmaxRegisters has of it, in registers.
void emit_row_exponentials(const AttentionContext& context);

}  // namespace burin::kernels
