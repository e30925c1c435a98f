// Probabilities of integer math: whole numbers of two bytes (int8) or of 15 bits (int16), as products take them.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

// The largest one of a row and chunk is less than 2 times 2^this; what rounding makes larger than the type is kept within it.
inline int probability_bits(const AttentionContext& context) { return context.int8_math() ? 15 : 14; }
// Vectors of a row that become one.
inline int packed_vectors(const AttentionContext& context) { return context.int8_math() ? 4 : 2; }

// first .. first + packed_vectors - 1: vector registers with floats of as many keys, one vector behind the other, whose
// scores were at `place`, where the block's began `key` keys before. They are overwritten, and vector register `scratch`.
struct IntegerProbabilities {
  int first;
  int scratch;
};
void emit_store_probabilities(const AttentionContext& context, const IntegerProbabilities& probabilities,
                              const Xbyak::RegExp& block, int key);

}  // namespace burin::kernels
