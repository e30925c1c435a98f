// The values of an int8 cache have a scale per key, which their probabilities are multiplied by before the products. A scale
// is 2^exponent * mantissa, and the softmax takes all three of what follows from it where it has a key's score anyway:
//
//     score + exponent                        what maxima are taken of, and exponentials
//     2^(score + exponent) * mantissa         times the value's code: the product
//     2^(score + exponent) * 2^-exponent      the probability, to the sum
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

// Those of a chunk's values, to the scratch memory (attention_layout.hpp). Overwrites rax, rcx, rdx, rdi and vector registers
// 0 .. 2.
void emit_split_value_scales(const AttentionContext& context);

}  // namespace burin::kernels
