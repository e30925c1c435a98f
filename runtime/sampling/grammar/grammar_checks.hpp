#pragma once

#include "runtime/sampling/grammar/grammar.hpp"

namespace burin::runtime {

// Finds out which rules may be empty, and what follows from it for repeats. Throws burin::Error with the place of left
// recursion, which no stack of rules would come to an end with, and of large repeats of what may be empty.
void check_grammar(Grammar& grammar);

}  // namespace burin::runtime
