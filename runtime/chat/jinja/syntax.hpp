// A template as a tree.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/chat/jinja/token.hpp"
#include "runtime/chat/jinja/value.hpp"

namespace burin::runtime::jinja {

struct Expression;
using ExpressionPointer = std::unique_ptr<Expression>;
using Expressions = std::vector<ExpressionPointer>;

struct NamedExpression {
  std::string name;
  ExpressionPointer value;
};
struct CallArguments {
  Expressions positional;
  std::vector<NamedExpression> named;
};

enum class BinaryOperator : std::uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class UnaryOperator : std::uint8_t { negate, plus, logical_not };
enum class ComparisonOperator : std::uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};

struct Constant {
  Value value;
};
struct Name {
  std::string name;
};
struct ListLiteral {
  SequenceKind kind = SequenceKind::list;  // or a tuple
  Expressions items;
};
struct DictionaryLiteral {
  std::vector<std::pair<ExpressionPointer, ExpressionPointer>> items;
};
struct Attribute {
  ExpressionPointer object;
  std::string name;
};
struct Item {
  ExpressionPointer object, key;
};
struct Slice {
  ExpressionPointer object, start, stop, step;  // bounds may be null
};
struct Call {
  ExpressionPointer function;
  CallArguments arguments;
};
struct FilterCall {
  ExpressionPointer input;  // null: what a filter block or a block assignment holds
  std::string name;
  CallArguments arguments;
};
struct TestCall {
  ExpressionPointer input;
  std::string name;
  CallArguments arguments;
};
struct Unary {
  UnaryOperator operation;
  ExpressionPointer operand;
};
struct Binary {
  BinaryOperator operation;
  ExpressionPointer left, right;
};
struct Logical {
  bool is_and = false;
  ExpressionPointer left, right;
};
struct Comparison {
  ExpressionPointer first;
  std::vector<std::pair<ComparisonOperator, ExpressionPointer>> rest;  // a < b < c
};
struct Concatenation {
  Expressions parts;
};
struct Conditional {
  ExpressionPointer test, then, otherwise;  // otherwise may be null
};

struct Expression {
  Position at;
  int depth = 1;  // of the tree below
  std::variant<Constant, Name, ListLiteral, DictionaryLiteral, Attribute, Item, Slice, Call, FilterCall,
               TestCall, Unary, Binary, Logical, Comparison, Concatenation, Conditional>
      node;
};

struct Statement;
using Body = std::vector<Statement>;

// What is assigned to: a name, names in parentheses, or an attribute of a namespace.
struct Target {
  Position at;
  std::string name;       // empty: several
  std::string attribute;  // of the namespace `name`
  std::vector<Target> several;
};

struct Parameter {
  std::string name;
  ExpressionPointer otherwise;  // may be null
};
// A macro, and the body of a call block (which has no name).
struct MacroDefinition {
  std::string name;
  std::vector<Parameter> parameters;
  std::shared_ptr<const Body> body;
  // Whether it reads these names, which then are what it was called with beyond its parameters.
  bool reads_caller = false, reads_varargs = false, reads_kwargs = false;
};

struct Data {
  std::string text;
};
struct Print {
  ExpressionPointer value;
};
struct If {
  struct Branch {
    ExpressionPointer test;
    Body body;
  };
  std::vector<Branch> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExpressionPointer items, test;  // test may be null
  Body body, otherwise;
};
struct Set {
  Target target;
  ExpressionPointer value;
};
struct SetBlock {
  Target target;
  ExpressionPointer filter;  // may be null
  Body body;
};
struct DefineMacro {
  MacroDefinition macro;
};
struct CallBlock {
  ExpressionPointer call;
  MacroDefinition caller;
};
struct FilterBlock {
  ExpressionPointer filter;
  Body body;
};
// with and generation: a scope of its own.
struct Scoped {
  std::vector<std::pair<Target, ExpressionPointer>> assignments;
  Body body;
};
struct Jump {
  bool is_break = false;
};

struct Statement {
  Position at;
  std::variant<Data, Print, If, For, Set, SetBlock, DefineMacro, CallBlock, FilterBlock, Scoped, Jump> node;
};

// Throws burin::Error "NAME: line L, column C: ..." for what is no template or not supported.
Body parse(const std::string& name, std::string_view source, const Limits& limits);

}  // namespace burin::runtime::jinja
