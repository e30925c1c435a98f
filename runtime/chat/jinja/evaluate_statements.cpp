#include <algorithm>

#include "runtime/chat/jinja/evaluator.hpp"
#include "runtime/chat/jinja/macro.hpp"
#include "runtime/chat/jinja/print.hpp"

namespace burin::runtime::jinja {

Value* Scope::find_own(const std::string& name) {
  const auto at = values_.find(name);
  return at == values_.end() ? nullptr : &at->second;
}

const Value* Scope::find(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent_)
    if (const auto at = scope->values_.find(name); at != scope->values_.end()) return &at->second;
  return nullptr;
}

std::string Evaluator::render(const Body& body, Scope& scope) {
  execute(body, scope);
  return std::move(output_);
}

Evaluator::Flow Evaluator::execute(const Body& body, Scope& scope) {
  if (++depth_ > budget_.limits().depth)
    fail("the template nests more than {} operations: refused", budget_.limits().depth);
  Flow flow = Flow::onward;
  for (const Statement& statement : body) {
    flow = execute(statement, scope);
    if (flow != Flow::onward) break;
  }
  --depth_;
  return flow;
}

Evaluator::Flow Evaluator::execute(const Statement& statement, Scope& scope) {
  budget_.spend(1);
  const Position outer = std::exchange(at_, statement.at);
  const Flow flow = std::visit([&](const auto& node) { return run(node, scope); }, statement.node);
  at_ = outer;
  return flow;
}

void Evaluator::write(std::string_view text) {
  output_ += text;
  budget_.read(text.size());
  if (output_.size() > budget_.limits().text_bytes) budget_.make(output_.size());
}

std::string Evaluator::capture(const Body& body, Scope& scope, Flow& flow) {
  std::string outer = std::exchange(output_, "");
  flow = execute(body, scope);
  return std::exchange(output_, std::move(outer));
}

Evaluator::Flow Evaluator::run(const Data& node, Scope&) {
  write(node.text);
  return Flow::onward;
}

Evaluator::Flow Evaluator::run(const Print& node, Scope& scope) {
  const Expression* expression = node.value.get();
  const auto* filter = std::get_if<FilterCall>(&expression->node);
  // Nothing is escaped here, so nothing need be marked as safe.
  if (filter != nullptr && filter->name == "safe" && filter->input) expression = filter->input.get();
  write(to_text(evaluate(*expression, scope), budget_));
  return Flow::onward;
}

Evaluator::Flow Evaluator::run(const If& node, Scope& scope) {
  for (const If::Branch& branch : node.branches)
    if (evaluate(*branch.test, scope).is_true()) return execute(branch.body, scope);
  return execute(node.otherwise, scope);
}

std::vector<Value> Evaluator::loop_items(const For& node, Scope& scope) {
  std::vector<Value> items = iterate(evaluate(*node.items, scope), budget_);
  if (!node.test) return items;
  std::vector<Value> kept;
  for (Value& item : items) {
    Scope round(&scope);
    assign(node.target, item, round);
    if (evaluate(*node.test, round).is_true()) kept.push_back(std::move(item));
  }
  return kept;
}

Evaluator::Flow Evaluator::run(const For& node, Scope& scope) {
  const auto loop = std::make_shared<LoopState>();
  loop->items = loop_items(node, scope);
  if (loop->items.empty()) return execute(node.otherwise, scope);
  loop->depth = 1;
  Flow flow = Flow::onward;
  for (; loop->index < loop->items.size() && flow != Flow::leave_loop; ++loop->index) {
    budget_.spend(1);
    Scope round(&scope);
    round.set("loop", Value(loop));
    assign(node.target, loop->items[loop->index], round);
    flow = execute(node.body, round);
  }
  return Flow::onward;
}

Evaluator::Flow Evaluator::run(const Set& node, Scope& scope) {
  assign(node.target, evaluate(*node.value, scope), scope);
  return Flow::onward;
}

Evaluator::Flow Evaluator::run(const SetBlock& node, Scope& scope) {
  Scope inner(&scope);
  Flow flow = Flow::onward;
  std::string text = capture(node.body, inner, flow);
  if (flow != Flow::onward) return flow;
  assign(node.target, node.filter ? filtered(*node.filter, std::move(text), scope) : Value(std::move(text)),
         scope);
  return Flow::onward;
}

Evaluator::Flow Evaluator::run(const DefineMacro& node, Scope& scope) {
  scope.set(node.macro.name, macro_value(node.macro, scope));
  return Flow::onward;
}

Evaluator::Flow Evaluator::run(const CallBlock& node, Scope& scope) {
  const Value caller = macro_value(node.caller, scope);
  write(to_text(call(std::get<Call>(node.call->node), scope, &caller), budget_));
  return Flow::onward;
}

Evaluator::Flow Evaluator::run(const FilterBlock& node, Scope& scope) {
  Scope inner(&scope);
  Flow flow = Flow::onward;
  std::string text = capture(node.body, inner, flow);
  if (flow == Flow::onward) write(to_text(filtered(*node.filter, std::move(text), scope), budget_));
  return flow;
}

Evaluator::Flow Evaluator::run(const Scoped& node, Scope& scope) {
  Scope inner(&scope);
  for (const auto& [target, value] : node.assignments) assign(target, evaluate(*value, scope), inner);
  return execute(node.body, inner);
}

Evaluator::Flow Evaluator::run(const Jump& node, Scope&) {
  return node.is_break ? Flow::leave_loop : Flow::next_round;
}

Value Evaluator::filtered(const Expression& chain, std::string text, const Scope& scope) {
  const Value input{std::move(text)};
  const Value* outer = std::exchange(filter_input_, &input);
  Value result = evaluate(chain, scope);
  filter_input_ = outer;
  return result;
}

void Evaluator::assign(const Target& target, Value value, Scope& scope) {
  if (!target.several.empty()) {
    std::vector<Value> items = iterate(value, budget_);
    if (items.size() != target.several.size())
      fail("{} values cannot be assigned to {} names", items.size(), target.several.size());
    for (std::size_t i = 0; i < items.size(); ++i) assign(target.several[i], std::move(items[i]), scope);
    return;
  }
  if (target.attribute.empty()) {
    scope.set(target.name, std::move(value));
    return;
  }
  const Value* object = scope.find(target.name);
  Namespace* space = object != nullptr ? object->name_space() : nullptr;
  if (space == nullptr)
    fail("'{}' is no namespace: attributes of namespaces only can be assigned to", target.name);
  if (value.holds_reference()) fail("a value of type '{}' cannot be kept in a namespace", value.type_name());
  space->attributes[target.attribute] = std::move(value);
}

}  // namespace burin::runtime::jinja
