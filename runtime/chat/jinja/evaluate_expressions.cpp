#include <algorithm>

#include "runtime/chat/jinja/evaluator.hpp"
#include "runtime/chat/jinja/operations.hpp"
#include "runtime/chat/jinja/print.hpp"

namespace burin::runtime::jinja {

// Not undone where something is thrown: position() then tells where, and nothing goes on.
Value Evaluator::evaluate(const Expression& expression, const Scope& scope) {
  budget_.spend(1);
  const Position outer = std::exchange(at_, expression.at);
  if (++depth_ > budget_.limits().depth)
    fail("the template nests more than {} operations: refused", budget_.limits().depth);
  Value value = std::visit([&](const auto& node) { return compute(node, scope); }, expression.node);
  --depth_;
  at_ = outer;
  return value;
}

Value Evaluator::compute(const Constant& node, const Scope&) { return node.value; }

Value Evaluator::compute(const Name& node, const Scope& scope) {
  if (const Value* value = scope.find(node.name)) return *value;
  if (Value function = find_function(node.name); function.callable() != nullptr) return function;
  return Value::undefined(fmt::format("'{}' is undefined", node.name));
}

Value Evaluator::compute(const ListLiteral& node, const Scope& scope) {
  std::vector<Value> items;
  for (const ExpressionPointer& item : node.items) items.push_back(evaluate(*item, scope));
  return make_sequence(node.kind, std::move(items), budget_);
}

Value Evaluator::compute(const DictionaryLiteral& node, const Scope& scope) {
  auto dictionary = std::make_shared<Dictionary>();
  for (const auto& [key, value] : node.items) {
    Value evaluated = evaluate(*key, scope);
    if (evaluated.is_text()) budget_.read(evaluated.text().size());
    dictionary->set(std::move(evaluated), evaluate(*value, scope));
  }
  return make_dictionary(std::move(dictionary), budget_);
}

Value Evaluator::compute(const Attribute& node, const Scope& scope) {
  return get_attribute(evaluate(*node.object, scope), node.name, budget_);
}

Value Evaluator::compute(const Item& node, const Scope& scope) {
  const Value object = evaluate(*node.object, scope);
  return get_item(object, evaluate(*node.key, scope), budget_);
}

Value Evaluator::compute(const Slice& node, const Scope& scope) {
  const Value object = evaluate(*node.object, scope);
  const auto bound = [&](const ExpressionPointer& place) {
    return place ? evaluate(*place, scope) : Value();
  };
  SliceBounds bounds;
  bounds.start = bound(node.start);
  bounds.stop = bound(node.stop);
  bounds.step = bound(node.step);
  return get_slice(object, bounds, budget_);
}

Arguments Evaluator::arguments(const CallArguments& node, const Scope& scope) {
  Arguments arguments;
  for (const ExpressionPointer& value : node.positional)
    arguments.positional.push_back(evaluate(*value, scope));
  for (const NamedExpression& named : node.named)
    arguments.named.emplace_back(named.name, evaluate(*named.value, scope));
  return arguments;
}

Value Evaluator::compute(const Call& node, const Scope& scope) { return call(node, scope, nullptr); }

Value Evaluator::call(const Call& node, const Scope& scope, const Value* caller) {
  const Value function = evaluate(*node.function, scope);
  Arguments given = arguments(node.arguments, scope);
  if (caller != nullptr) given.named.emplace_back("caller", *caller);
  require_defined(function);
  if (function.callable() == nullptr) fail("a value of type '{}' cannot be called", function.type_name());
  return function.callable()->call(*this, given);
}

Value Evaluator::compute(const FilterCall& node, const Scope& scope) {
  if (node.name == "safe") fail("the filter 'safe' is supported at the end of '{{{{ }}}}' only");
  const Value input = node.input ? evaluate(*node.input, scope) : *filter_input_;
  return apply_filter(node.name, input, arguments(node.arguments, scope));
}

Value Evaluator::compute(const TestCall& node, const Scope& scope) {
  const Value input = evaluate(*node.input, scope);
  return Value(apply_test(node.name, input, arguments(node.arguments, scope)));
}

Value Evaluator::compute(const Unary& node, const Scope& scope) {
  const Value operand = evaluate(*node.operand, scope);
  if (node.operation == UnaryOperator::logical_not) return Value(!operand.is_true());
  return node.operation == UnaryOperator::negate ? negated(operand) : plus(operand);
}

Value Evaluator::compute(const Binary& node, const Scope& scope) {
  const Value left = evaluate(*node.left, scope);
  return jinja::compute(node.operation, left, evaluate(*node.right, scope), budget_);
}

Value Evaluator::compute(const Logical& node, const Scope& scope) {
  Value left = evaluate(*node.left, scope);
  return left.is_true() == node.is_and ? evaluate(*node.right, scope) : left;
}

Value Evaluator::compute(const Comparison& node, const Scope& scope) {
  Value left = evaluate(*node.first, scope);
  for (const auto& [operation, expression] : node.rest) {
    Value right = evaluate(*expression, scope);
    if (!compare(operation, left, right, budget_)) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Evaluator::compute(const Concatenation& node, const Scope& scope) {
  std::string text;
  for (const ExpressionPointer& part : node.parts) {
    text += to_text(evaluate(*part, scope), budget_);
    if (text.size() > budget_.limits().text_bytes) budget_.make(text.size());
  }
  return Value(std::move(text));
}

Value Evaluator::compute(const Conditional& node, const Scope& scope) {
  if (evaluate(*node.test, scope).is_true()) return evaluate(*node.then, scope);
  if (node.otherwise) return evaluate(*node.otherwise, scope);
  return Value::undefined("the condition of 'if' is false and there is no 'else'");
}

}  // namespace burin::runtime::jinja
