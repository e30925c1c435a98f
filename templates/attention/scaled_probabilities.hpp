// The values of an int8 cache have a scale per key, which their probabilities are multiplied by before the products.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

// Of a chunk's blocks and all query rows, in place. In int8 math they become bytes, with a scale per row and block
// (attention_layout.hpp). All blocks before the products of the first: of a single row, what one waits for passes beside
// the others.
void emit_scaled_probabilities(const AttentionContext& context);

}  // namespace burin::kernels
