// What stands behind an expression: subscripts, calls, filters and tests; and targets of assignments.
#include <set>

#include "jit/error.hpp"
#include "runtime/chat/jinja/callable.hpp"
#include "runtime/chat/jinja/make_expression.hpp"

namespace burin::runtime::jinja {

ExpressionPointer ExpressionParser::postfix(ExpressionPointer object) {
  while (true) {
    if (tokens_.is_operation("."))
      object = attribute(std::move(object));
    else if (tokens_.is_operation("["))
      object = subscript(std::move(object));
    else if (tokens_.is_operation("("))
      object = call(std::move(object));
    else
      return object;
  }
}

ExpressionPointer ExpressionParser::attribute(ExpressionPointer object) {
  const Position at = tokens_.take().at;
  const int below = depth_of(object);
  if (tokens_.current().kind == TokenKind::whole) {  // a.0
    const Token index = tokens_.take();
    ExpressionPointer key = make(tokens_, index.at, 0, Constant{Value(index.whole)});
    return make(tokens_, at, below, Item{std::move(object), std::move(key)});
  }
  return make(tokens_, at, below,
              Attribute{std::move(object), tokens_.take_name("the name of an attribute")});
}

ExpressionPointer ExpressionParser::subscript(ExpressionPointer object) {
  const Descent descent(tokens_, depth_, kDeepestNesting);
  const Position at = tokens_.take().at;
  Slice slice;
  bool is_slice = false;
  const auto bound = [&](ExpressionPointer& place) {
    if (!tokens_.is_operation(":") && !tokens_.is_operation("]")) place = parse();
  };
  bound(slice.start);
  if (tokens_.skip_operation(":")) {
    is_slice = true;
    bound(slice.stop);
    if (tokens_.skip_operation(":")) bound(slice.step);
  }
  if (tokens_.is_operation(",")) tokens_.refuse(at, "a subscript of several parts is not supported");
  tokens_.expect_operation("]");
  if (!is_slice && !slice.start) tokens_.refuse(at, "the subscript is empty");
  const int below =
      std::max({depth_of(object), depth_of(slice.start), depth_of(slice.stop), depth_of(slice.step)});
  if (!is_slice) return make(tokens_, at, below, Item{std::move(object), std::move(slice.start)});
  slice.object = std::move(object);
  return make(tokens_, at, below, std::move(slice));
}

CallArguments ExpressionParser::arguments() {
  const Descent descent(tokens_, depth_, kDeepestNesting);
  CallArguments arguments;
  std::set<std::string> names;
  tokens_.expect_operation("(");
  while (!tokens_.is_operation(")")) {
    if (!arguments.positional.empty() || !arguments.named.empty()) tokens_.expect_operation(",");
    if (tokens_.is_operation(")")) break;
    const Position at = tokens_.current().at;
    if (tokens_.is_operation("*") || tokens_.is_operation("**"))
      tokens_.refuse(at, "arguments from a list or dictionary ('*', '**') are not supported");
    if (tokens_.current().kind == TokenKind::name && tokens_.next().is(TokenKind::operation, "=")) {
      std::string name = tokens_.take().text;
      tokens_.take();
      if (!names.insert(name).second) tokens_.refuse(at, fmt::format("'{}' is given twice", printable(name)));
      arguments.named.push_back({std::move(name), parse()});
    } else {
      if (!arguments.named.empty())
        tokens_.refuse(at, "an argument without a name stands behind a named one");
      arguments.positional.push_back(parse());
    }
  }
  tokens_.expect_operation(")");
  return arguments;
}

ExpressionPointer ExpressionParser::call(ExpressionPointer function) {
  const Position at = tokens_.current().at;
  CallArguments given = arguments();
  const int below = std::max(depth_of(function), depth_of(given));
  return make(tokens_, at, below, Call{std::move(function), std::move(given)});
}

ExpressionPointer ExpressionParser::filters_and_tests(ExpressionPointer input) {
  while (true) {
    if (tokens_.skip_operation("|"))
      input = filter(std::move(input));
    else if (tokens_.is_name("is"))
      input = test(std::move(input));
    else if (tokens_.is_operation("("))
      input = call(std::move(input));
    else
      return input;
  }
}

ExpressionPointer ExpressionParser::parse_filter_chain() {
  ExpressionPointer chain = filter(nullptr);
  while (tokens_.skip_operation("|")) chain = filter(std::move(chain));
  return chain;
}

ExpressionPointer ExpressionParser::filter(ExpressionPointer input) {
  const Position at = tokens_.current().at;
  FilterCall call;
  call.name = tokens_.take_name("the name of a filter");
  // safe is no filter of its own: it marks what is printed (see the evaluator).
  if (call.name != "safe" && find_filter(call.name) == nullptr)
    tokens_.refuse(at, fmt::format("the filter '{}' is not supported", printable(call.name)));
  if (tokens_.is_operation("(")) call.arguments = arguments();
  const int below = std::max(depth_of(input), depth_of(call.arguments));
  call.input = std::move(input);
  return make(tokens_, at, below, std::move(call));
}

bool ExpressionParser::begins_test_argument() const {
  switch (tokens_.current().kind) {
    case TokenKind::text:
    case TokenKind::whole:
    case TokenKind::floating: return true;
    case TokenKind::operation: return tokens_.is_operation("[") || tokens_.is_operation("{");
    case TokenKind::name:
      return !tokens_.is_name("else") && !tokens_.is_name("or") && !tokens_.is_name("and");
    default: return false;
  }
}

ExpressionPointer ExpressionParser::test(ExpressionPointer input) {
  const Position at = tokens_.take().at;
  const bool negated = tokens_.skip_name("not");
  TestCall call;
  call.name = tokens_.take_name("the name of a test");
  if (find_test(call.name) == nullptr)
    tokens_.refuse(at, fmt::format("the test '{}' is not supported", printable(call.name)));
  if (tokens_.is_operation("(")) {
    call.arguments = arguments();
  } else if (begins_test_argument()) {
    if (tokens_.is_name("is")) tokens_.refuse(tokens_.current().at, "tests cannot be chained with 'is'");
    call.arguments.positional.push_back(postfix(primary()));
  }
  const int below = std::max(depth_of(input), depth_of(call.arguments));
  call.input = std::move(input);
  ExpressionPointer result = make(tokens_, at, below, std::move(call));
  if (!negated) return result;
  const int tested = result->depth;
  return make(tokens_, at, tested, Unary{UnaryOperator::logical_not, std::move(result)});
}

Target ExpressionParser::parse_target(bool may_be_attribute) {
  Target first = single_target(may_be_attribute);
  if (!tokens_.is_operation(",")) return first;
  Target all{first.at, "", "", {}};
  all.several.push_back(std::move(first));
  while (tokens_.skip_operation(",")) {
    if (tokens_.current().kind != TokenKind::name && !tokens_.is_operation("(")) break;
    if (tokens_.is_name("in")) break;
    all.several.push_back(single_target(may_be_attribute));
  }
  return all;
}

Target ExpressionParser::single_target(bool may_be_attribute) {
  const Descent descent(tokens_, depth_, kDeepestNesting);
  const Position at = tokens_.current().at;
  if (tokens_.skip_operation("(")) {
    Target inside = parse_target(may_be_attribute);
    tokens_.expect_operation(")");
    return inside;
  }
  Target target{at, tokens_.take_name("a name to assign to"), "", {}};
  constexpr std::string_view kReserved[] = {"true", "false", "none", "True", "False", "None"};
  if (std::find(std::begin(kReserved), std::end(kReserved), target.name) != std::end(kReserved))
    tokens_.refuse(at, fmt::format("'{}' cannot be assigned to", target.name));
  if (may_be_attribute && tokens_.skip_operation("."))
    target.attribute = tokens_.take_name("the name of an attribute");
  return target;
}

}  // namespace burin::runtime::jinja
