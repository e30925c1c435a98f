// A query of int8 or int16 math: a whole number per element, the largest magnitude being 127 or 127 * 128, and a scale. So of
// int8, queries are rounded like the keys they meet.
#pragma once

#include "templates/attention/attention_emitter.hpp"

namespace burin::kernels {

// The floats at `query` to the row of the panel at `panel` (attention_layout.hpp); `factor` becomes part of their scale.
// Overwrites rax and vector registers 1 .. 3, 6 and 7.
void emit_query_codes(const AttentionContext& context, const Xbyak::Reg64& query, const Xbyak::Reg64& panel,
                      jit::Vector factor);

}  // namespace burin::kernels
