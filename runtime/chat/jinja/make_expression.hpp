// For the parser: nodes of the tree, none of them too deep for the stack.
#pragma once

#include <algorithm>
#include <utility>

#include "runtime/chat/jinja/parser.hpp"

namespace burin::runtime::jinja {

inline constexpr int kDeepestNesting = 100;  // of brackets
inline constexpr int kDeepestTree = 400;     // of operations, which chains of them nest too

inline int depth_of(const ExpressionPointer& expression) { return expression ? expression->depth : 0; }

inline int depth_of(const Expressions& expressions) {
  int depth = 0;
  for (const ExpressionPointer& expression : expressions) depth = std::max(depth, expression->depth);
  return depth;
}

inline int depth_of(const CallArguments& arguments) {
  int depth = depth_of(arguments.positional);
  for (const NamedExpression& named : arguments.named) depth = std::max(depth, named.value->depth);
  return depth;
}

// `below`: how deep the deepest operand is.
template <typename Node>
ExpressionPointer make(const TokenStream& tokens, Position at, int below, Node node) {
  if (below >= kDeepestTree) tokens.refuse(at, "the expression nests more than 400 operations: refused");
  auto expression = std::make_unique<Expression>();
  expression->at = at;
  expression->depth = below + 1;
  expression->node = std::move(node);
  return expression;
}

}  // namespace burin::runtime::jinja
