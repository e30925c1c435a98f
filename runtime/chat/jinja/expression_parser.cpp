#include <algorithm>
#include <optional>

#include "runtime/chat/jinja/make_expression.hpp"

namespace burin::runtime::jinja {
namespace {

std::optional<ComparisonOperator> comparison_operator(const Token& token) {
  using enum ComparisonOperator;
  constexpr std::pair<std::string_view, ComparisonOperator> kOperators[] = {
      {"==", equal},      {"!=", not_equal}, {"<", less},
      {"<=", less_equal}, {">", greater},    {">=", greater_equal}};
  if (token.kind != TokenKind::operation) return std::nullopt;
  for (const auto& [text, operation] : kOperators)
    if (token.text == text) return operation;
  return std::nullopt;
}

std::optional<BinaryOperator> product_operator(const Token& token) {
  using enum BinaryOperator;
  constexpr std::pair<std::string_view, BinaryOperator> kOperators[] = {
      {"*", multiply}, {"/", divide}, {"//", floor_divide}, {"%", modulo}};
  if (token.kind != TokenKind::operation) return std::nullopt;
  for (const auto& [text, operation] : kOperators)
    if (token.text == text) return operation;
  return std::nullopt;
}

}  // namespace

ExpressionPointer ExpressionParser::parse(bool with_conditional) {
  return with_conditional ? conditional() : logical_or();
}

bool ExpressionParser::ends_tuple() const {
  const TokenKind kind = tokens_.current().kind;
  return kind == TokenKind::end_print || kind == TokenKind::end_tag || kind == TokenKind::end ||
         tokens_.is_operation(")");
}

ExpressionPointer ExpressionParser::parse_tuple(bool with_conditional) {
  const Position at = tokens_.current().at;
  ListLiteral tuple{SequenceKind::tuple, {}};
  bool has_comma = false;
  while (!ends_tuple()) {
    tuple.items.push_back(parse(with_conditional));
    if (!tokens_.skip_operation(",")) break;
    has_comma = true;
  }
  if (tuple.items.empty()) tokens_.unexpected("an expression");
  if (!has_comma) return std::move(tuple.items.front());
  const int below = depth_of(tuple.items);
  return make(tokens_, at, below, std::move(tuple));
}

ExpressionPointer ExpressionParser::conditional() {
  const Descent descent(tokens_, depth_, kDeepestNesting);
  ExpressionPointer value = logical_or();
  while (tokens_.is_name("if")) {
    const Position at = tokens_.take().at;
    ExpressionPointer condition = logical_or();
    ExpressionPointer otherwise;
    if (tokens_.skip_name("else")) otherwise = conditional();
    const int below = std::max({depth_of(value), depth_of(condition), depth_of(otherwise)});
    value =
        make(tokens_, at, below, Conditional{std::move(condition), std::move(value), std::move(otherwise)});
  }
  return value;
}

ExpressionPointer ExpressionParser::logical_or() {
  ExpressionPointer left = logical_and();
  while (tokens_.is_name("or")) {
    const Position at = tokens_.take().at;
    ExpressionPointer right = logical_and();
    const int below = std::max(depth_of(left), depth_of(right));
    left = make(tokens_, at, below, Logical{false, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPointer ExpressionParser::logical_and() {
  ExpressionPointer left = logical_not();
  while (tokens_.is_name("and")) {
    const Position at = tokens_.take().at;
    ExpressionPointer right = logical_not();
    const int below = std::max(depth_of(left), depth_of(right));
    left = make(tokens_, at, below, Logical{true, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPointer ExpressionParser::logical_not() {
  if (!tokens_.is_name("not")) return comparison();
  const Descent descent(tokens_, depth_, kDeepestNesting);
  const Position at = tokens_.take().at;
  ExpressionPointer operand = logical_not();
  const int below = depth_of(operand);
  return make(tokens_, at, below, Unary{UnaryOperator::logical_not, std::move(operand)});
}

ExpressionPointer ExpressionParser::comparison() {
  ExpressionPointer first = sum();
  const Position at = tokens_.current().at;
  Comparison chain;
  int below = depth_of(first);
  while (true) {
    std::optional<ComparisonOperator> operation = comparison_operator(tokens_.current());
    if (tokens_.is_name("in")) operation = ComparisonOperator::in;
    if (tokens_.is_name("not") && tokens_.next().is(TokenKind::name, "in")) {
      operation = ComparisonOperator::not_in;
      tokens_.take();
    }
    if (!operation) break;
    tokens_.take();
    chain.rest.emplace_back(*operation, sum());
    below = std::max(below, chain.rest.back().second->depth);
  }
  if (chain.rest.empty()) return first;
  chain.first = std::move(first);
  return make(tokens_, at, below, std::move(chain));
}

ExpressionPointer ExpressionParser::sum() {
  ExpressionPointer left = concatenation();
  while (tokens_.is_operation("+") || tokens_.is_operation("-")) {
    const Token token = tokens_.take();
    ExpressionPointer right = concatenation();
    const int below = std::max(depth_of(left), depth_of(right));
    const auto operation = token.text == "+" ? BinaryOperator::add : BinaryOperator::subtract;
    left = make(tokens_, token.at, below, Binary{operation, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPointer ExpressionParser::concatenation() {
  ExpressionPointer first = product();
  if (!tokens_.is_operation("~")) return first;
  const Position at = tokens_.current().at;
  Concatenation all;
  all.parts.push_back(std::move(first));
  while (tokens_.skip_operation("~")) all.parts.push_back(product());
  const int below = depth_of(all.parts);
  return make(tokens_, at, below, std::move(all));
}

ExpressionPointer ExpressionParser::product() {
  ExpressionPointer left = power();
  while (const std::optional<BinaryOperator> operation = product_operator(tokens_.current())) {
    const Position at = tokens_.take().at;
    ExpressionPointer right = power();
    const int below = std::max(depth_of(left), depth_of(right));
    left = make(tokens_, at, below, Binary{*operation, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPointer ExpressionParser::power() {
  ExpressionPointer left = unary();
  while (tokens_.is_operation("**")) {
    const Position at = tokens_.take().at;
    ExpressionPointer right = unary();
    const int below = std::max(depth_of(left), depth_of(right));
    left = make(tokens_, at, below, Binary{BinaryOperator::power, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPointer ExpressionParser::unary(bool with_filters) {
  ExpressionPointer value;
  if (tokens_.is_operation("-") || tokens_.is_operation("+")) {
    const Descent descent(tokens_, depth_, kDeepestNesting);
    const Token token = tokens_.take();
    ExpressionPointer operand = unary(false);
    const int below = depth_of(operand);
    const auto operation = token.text == "-" ? UnaryOperator::negate : UnaryOperator::plus;
    value = make(tokens_, token.at, below, Unary{operation, std::move(operand)});
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
}

ExpressionPointer ExpressionParser::primary() {
  const Token& token = tokens_.current();
  if (token.kind == TokenKind::name) return name_or_constant();
  if (token.kind == TokenKind::text) return adjacent_texts();
  if (token.kind == TokenKind::whole || token.kind == TokenKind::floating) {
    const Token number = tokens_.take();
    const bool is_whole = number.kind == TokenKind::whole;
    return make(tokens_, number.at, 0, Constant{is_whole ? Value(number.whole) : Value(number.number)});
  }
  if (tokens_.is_operation("(")) return in_parentheses();
  if (tokens_.is_operation("[")) return list();
  if (tokens_.is_operation("{")) return dictionary();
  tokens_.unexpected("an expression");
}

ExpressionPointer ExpressionParser::name_or_constant() {
  const Token token = tokens_.take();
  if (token.text == "true" || token.text == "True") return make(tokens_, token.at, 0, Constant{Value(true)});
  if (token.text == "false" || token.text == "False")
    return make(tokens_, token.at, 0, Constant{Value(false)});
  if (token.text == "none" || token.text == "None") return make(tokens_, token.at, 0, Constant{Value()});
  names_.insert(token.text);
  return make(tokens_, token.at, 0, Name{token.text});
}

ExpressionPointer ExpressionParser::adjacent_texts() {
  const Position at = tokens_.current().at;
  std::string text;
  while (tokens_.current().kind == TokenKind::text) text += tokens_.take().text;
  return make(tokens_, at, 0, Constant{Value(std::move(text))});
}

ExpressionPointer ExpressionParser::list() {
  const Position at = tokens_.take().at;
  ListLiteral list;
  while (!tokens_.is_operation("]")) {
    if (!list.items.empty()) tokens_.expect_operation(",");
    if (tokens_.is_operation("]")) break;
    list.items.push_back(parse());
  }
  tokens_.expect_operation("]");
  const int below = depth_of(list.items);
  return make(tokens_, at, below, std::move(list));
}

ExpressionPointer ExpressionParser::dictionary() {
  const Position at = tokens_.take().at;
  DictionaryLiteral dictionary;
  int below = 0;
  while (!tokens_.is_operation("}")) {
    if (!dictionary.items.empty()) tokens_.expect_operation(",");
    if (tokens_.is_operation("}")) break;
    ExpressionPointer key = parse();
    tokens_.expect_operation(":");
    ExpressionPointer value = parse();
    below = std::max({below, key->depth, value->depth});
    dictionary.items.emplace_back(std::move(key), std::move(value));
  }
  tokens_.expect_operation("}");
  return make(tokens_, at, below, std::move(dictionary));
}

ExpressionPointer ExpressionParser::in_parentheses() {
  const Descent descent(tokens_, depth_, kDeepestNesting);
  const Position at = tokens_.take().at;
  if (tokens_.skip_operation(")")) return make(tokens_, at, 0, ListLiteral{SequenceKind::tuple, {}});
  ExpressionPointer inside = parse_tuple();
  tokens_.expect_operation(")");
  return inside;
}

}  // namespace burin::runtime::jinja
