// Walks the tree of a template and writes its output.
#pragma once

#include <string>
#include <unordered_map>

#include "runtime/chat/jinja/callable.hpp"
#include "runtime/chat/jinja/syntax.hpp"

namespace burin::runtime::jinja {

// Names and their values. Lives on the stack of what opened it, as do all that refer to it: values that hold
// macros do not leave the scope they were made in (Value::holds_reference).
class Scope {
 public:
  explicit Scope(const Scope* parent) : parent_(parent) {}
  void set(const std::string& name, Value value) { values_[name] = std::move(value); }
  Value* find_own(const std::string& name);
  const Value* find(const std::string& name) const;
  int depth() const { return parent_ == nullptr ? 0 : parent_->depth() + 1; }

 private:
  const Scope* parent_;
  std::unordered_map<std::string, Value> values_;
};

class Macro;

// For one rendering.
class Evaluator : public Context {
 public:
  Evaluator(Budget& budget, std::int64_t unix_time) : budget_(budget), unix_time_(unix_time) {}

  Budget& budget() override { return budget_; }
  std::int64_t unix_time() const override { return unix_time_; }

  std::string render(const Body& body, Scope& scope);
  // Where it was when it threw.
  Position position() const { return at_; }

  Value call_macro(const MacroDefinition& macro, const Scope& scope, const Arguments& arguments);

 private:
  enum class Flow : std::uint8_t { onward, leave_loop, next_round };
  class Depth;

  Flow execute(const Body& body, Scope& scope);
  Flow execute(const Statement& statement, Scope& scope);
  Flow run(const Data& node, Scope& scope);
  Flow run(const Print& node, Scope& scope);
  Flow run(const If& node, Scope& scope);
  Flow run(const For& node, Scope& scope);
  Flow run(const Set& node, Scope& scope);
  Flow run(const SetBlock& node, Scope& scope);
  Flow run(const DefineMacro& node, Scope& scope);
  Flow run(const CallBlock& node, Scope& scope);
  Flow run(const FilterBlock& node, Scope& scope);
  Flow run(const Scoped& node, Scope& scope);
  Flow run(const Jump& node, Scope& scope);
  std::vector<Value> loop_items(const For& node, Scope& scope);

  Value evaluate(const Expression& expression, const Scope& scope);
  Value compute(const Constant& node, const Scope& scope);
  Value compute(const Name& node, const Scope& scope);
  Value compute(const ListLiteral& node, const Scope& scope);
  Value compute(const DictionaryLiteral& node, const Scope& scope);
  Value compute(const Attribute& node, const Scope& scope);
  Value compute(const Item& node, const Scope& scope);
  Value compute(const Slice& node, const Scope& scope);
  Value compute(const Call& node, const Scope& scope);
  Value compute(const FilterCall& node, const Scope& scope);
  Value compute(const TestCall& node, const Scope& scope);
  Value compute(const Unary& node, const Scope& scope);
  Value compute(const Binary& node, const Scope& scope);
  Value compute(const Logical& node, const Scope& scope);
  Value compute(const Comparison& node, const Scope& scope);
  Value compute(const Concatenation& node, const Scope& scope);
  Value compute(const Conditional& node, const Scope& scope);
  Value call(const Call& node, const Scope& scope, const Value* caller);
  Arguments arguments(const CallArguments& node, const Scope& scope);
  Value filtered(const Expression& chain, std::string text, const Scope& scope);

  void assign(const Target& target, Value value, Scope& scope);
  void write(std::string_view text);
  // What the body writes, in `flow` how it ended.
  std::string capture(const Body& body, Scope& scope, Flow& flow);

  Budget& budget_;
  std::int64_t unix_time_;
  Position at_;
  int depth_ = 0;
  int loops_ = 0;
  std::string output_;
  const Value* filter_input_ = nullptr;  // of the innermost filter chain without an expression in front
};

}  // namespace burin::runtime::jinja
