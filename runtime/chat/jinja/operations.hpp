// Arithmetic as Python does it on whole numbers (of 64 bits, else refused), floats, texts and lists.
#pragma once

#include "runtime/chat/jinja/syntax.hpp"

namespace burin::runtime::jinja {

// Throw burin::Error for kinds that do not go together, division by zero and numbers that are too large.
Value compute(BinaryOperator operation, const Value& a, const Value& b, Budget& budget);
Value negated(const Value& value);
Value plus(const Value& value);
bool compare(ComparisonOperator operation, const Value& a, const Value& b, Budget& budget);

}  // namespace burin::runtime::jinja
