// Recursive descent over a template's tokens; the grammar is Jinja's.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/chat/jinja/syntax.hpp"

namespace burin::runtime::jinja {

// The tokens, where we are in them, and how to complain.
class TokenStream {
 public:
  TokenStream(const std::string& name, std::vector<Token> tokens) : name_(name), tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take();
  bool is_operation(std::string_view text) const { return current().is(TokenKind::operation, text); }
  bool is_name(std::string_view text) const { return current().is(TokenKind::name, text); }
  bool skip_operation(std::string_view text);
  bool skip_name(std::string_view text);
  void expect_operation(std::string_view text);
  void expect_name(std::string_view text);
  void expect(TokenKind kind, std::string_view what);
  std::string take_name(std::string_view what);

  [[noreturn]] void refuse(Position at, const std::string& message) const { fail_at(name_, at, message); }
  // "WHAT is expected, not CURRENT".
  [[noreturn]] void unexpected(std::string_view what) const;

 private:
  const std::string& name_;
  std::vector<Token> tokens_;  // the last one is `end`
  std::size_t at_ = 0;
};

// Counts how deep the parser has descended, so that no template exhausts the stack.
class Descent {
 public:
  Descent(TokenStream& tokens, int& depth, int deepest);
  ~Descent() { --depth_; }
  Descent(const Descent&) = delete;
  Descent& operator=(const Descent&) = delete;

 private:
  int& depth_;
};

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  // Names of operations as Jinja has them; `if` is part of an expression but where a statement uses it.
  ExpressionPointer parse(bool with_conditional = true);
  // The same with commas, which make a tuple.
  ExpressionPointer parse_tuple(bool with_conditional = true);
  // name(arguments)|name|..., without what is filtered.
  ExpressionPointer parse_filter_chain();
  // a, (b, c)
  Target parse_target(bool may_be_attribute);
  // Names that were read since the last call.
  std::set<std::string> take_names() { return std::exchange(names_, {}); }
  void add_names(std::set<std::string> names) { names_.merge(names); }

 private:
  ExpressionPointer conditional();
  ExpressionPointer logical_or();
  ExpressionPointer logical_and();
  ExpressionPointer logical_not();
  ExpressionPointer comparison();
  ExpressionPointer sum();
  ExpressionPointer concatenation();
  ExpressionPointer product();
  ExpressionPointer power();
  ExpressionPointer unary(bool with_filters = true);
  ExpressionPointer primary();
  ExpressionPointer name_or_constant();
  ExpressionPointer adjacent_texts();
  ExpressionPointer list();
  ExpressionPointer dictionary();
  ExpressionPointer in_parentheses();
  ExpressionPointer postfix(ExpressionPointer object);
  ExpressionPointer subscript(ExpressionPointer object);
  ExpressionPointer attribute(ExpressionPointer object);
  ExpressionPointer call(ExpressionPointer function);
  ExpressionPointer filters_and_tests(ExpressionPointer input);
  ExpressionPointer filter(ExpressionPointer input);
  ExpressionPointer test(ExpressionPointer input);
  CallArguments arguments();
  Target single_target(bool may_be_attribute);
  bool ends_tuple() const;
  bool begins_test_argument() const;

  TokenStream& tokens_;
  int depth_ = 0;
  std::set<std::string> names_;
};

class StatementParser {
 public:
  explicit StatementParser(TokenStream& tokens) : tokens_(tokens), expressions_(tokens) {}
  Body parse_template();

 private:
  // Up to the tag that begins with one of these names, which stays the current token (behind its {%).
  Body parse_until(std::initializer_list<std::string_view> ends);
  // The same for one name; takes that tag.
  Body parse_body(std::string_view end);
  void parse_print(Body& body);
  Statement parse_statement();
  Statement parse_if();
  Statement parse_for();
  Statement parse_set();
  Statement parse_macro();
  Statement parse_call_block();
  Statement parse_filter_block();
  Statement parse_with();
  Statement parse_generation();
  Statement parse_jump();
  std::vector<Parameter> parse_parameters();
  // Parameters that stand where we are and the body behind the tag's end.
  void parse_body_of(MacroDefinition& macro, std::string_view end);
  void end_tag() { tokens_.expect(TokenKind::end_tag, "'%}'"); }

  TokenStream& tokens_;
  ExpressionParser expressions_;
  int depth_ = 0;
  int loops_ = 0;
};

}  // namespace burin::runtime::jinja
