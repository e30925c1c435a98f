#include <algorithm>

#include "jit/error.hpp"
#include "runtime/chat/jinja/parser.hpp"

namespace burin::runtime::jinja {
namespace {

constexpr int kDeepestBlocks = 50;

constexpr std::string_view kNotSupported[] = {"include", "import", "from",       "extends",
                                              "block",   "do",     "autoescape", "trans"};

}  // namespace

Body StatementParser::parse_template() {
  Body body = parse_until({});
  if (tokens_.current().kind != TokenKind::end) tokens_.unexpected("the end of the template");
  return body;
}

Body StatementParser::parse_until(std::initializer_list<std::string_view> ends) {
  const Descent descent(tokens_, depth_, kDeepestBlocks);
  Body body;
  while (tokens_.current().kind != TokenKind::end) {
    const Position at = tokens_.current().at;
    if (tokens_.current().kind == TokenKind::data) {
      body.push_back({at, Data{tokens_.take().text}});
    } else if (tokens_.current().kind == TokenKind::begin_print) {
      parse_print(body);
    } else {
      tokens_.expect(TokenKind::begin_tag, "a tag");
      const Token& name = tokens_.current();
      if (name.kind == TokenKind::name && std::find(ends.begin(), ends.end(), name.text) != ends.end())
        return body;
      body.push_back(parse_statement());
    }
  }
  if (ends.size() > 0)
    tokens_.refuse(tokens_.current().at, fmt::format("'{}' is missing", *(ends.end() - 1)));
  return body;
}

Body StatementParser::parse_body(std::string_view end) {
  Body body = parse_until({end});
  tokens_.take();
  end_tag();
  return body;
}

void StatementParser::parse_print(Body& body) {
  const Position at = tokens_.take().at;
  body.push_back({at, Print{expressions_.parse_tuple()}});
  tokens_.expect(TokenKind::end_print, "'}}'");
}

Statement StatementParser::parse_statement() {
  using Parse = Statement (StatementParser::*)();
  constexpr std::pair<std::string_view, Parse> kStatements[] = {
      {"if", &StatementParser::parse_if},           {"for", &StatementParser::parse_for},
      {"set", &StatementParser::parse_set},         {"macro", &StatementParser::parse_macro},
      {"call", &StatementParser::parse_call_block}, {"filter", &StatementParser::parse_filter_block},
      {"with", &StatementParser::parse_with},       {"generation", &StatementParser::parse_generation},
      {"break", &StatementParser::parse_jump},      {"continue", &StatementParser::parse_jump}};
  const Token name = tokens_.current();
  if (name.kind != TokenKind::name) tokens_.unexpected("the name of a tag");
  for (const auto& [known, parse] : kStatements)
    if (name.text == known) {
      Statement statement = (this->*parse)();
      statement.at = name.at;
      return statement;
    }
  if (std::find(std::begin(kNotSupported), std::end(kNotSupported), name.text) != std::end(kNotSupported))
    tokens_.refuse(name.at, fmt::format("the tag '{}' is not supported in chat templates", name.text));
  tokens_.refuse(name.at, fmt::format("there is no tag '{}' that could stand here", printable(name.text)));
}

Statement StatementParser::parse_if() {
  If node;
  do {
    tokens_.take();  // if or elif
    If::Branch branch;
    branch.test = expressions_.parse_tuple(false);
    end_tag();
    branch.body = parse_until({"elif", "else", "endif"});
    node.branches.push_back(std::move(branch));
  } while (tokens_.is_name("elif"));
  if (tokens_.skip_name("else")) {
    end_tag();
    node.otherwise = parse_until({"endif"});
  }
  tokens_.take();
  end_tag();
  return {{}, std::move(node)};
}

Statement StatementParser::parse_for() {
  tokens_.take();
  For node;
  node.target = expressions_.parse_target(false);
  tokens_.expect_name("in");
  node.items = expressions_.parse_tuple(false);
  if (tokens_.skip_name("if")) node.test = expressions_.parse();
  if (tokens_.is_name("recursive"))
    tokens_.refuse(tokens_.current().at, "recursive loops are not supported: a macro that calls itself is");
  end_tag();
  ++loops_;
  node.body = parse_until({"else", "endfor"});
  --loops_;
  if (tokens_.skip_name("else")) {
    end_tag();
    node.otherwise = parse_until({"endfor"});
  }
  tokens_.take();
  end_tag();
  return {{}, std::move(node)};
}

Statement StatementParser::parse_set() {
  tokens_.take();
  Target target = expressions_.parse_target(true);
  if (tokens_.skip_operation("=")) {
    Set node{std::move(target), expressions_.parse_tuple()};
    end_tag();
    return {{}, std::move(node)};
  }
  SetBlock node{std::move(target), nullptr, {}};
  if (tokens_.skip_operation("|")) node.filter = expressions_.parse_filter_chain();
  end_tag();
  node.body = parse_body("endset");
  return {{}, std::move(node)};
}

std::vector<Parameter> StatementParser::parse_parameters() {
  std::vector<Parameter> parameters;
  tokens_.expect_operation("(");
  while (!tokens_.is_operation(")")) {
    if (!parameters.empty()) tokens_.expect_operation(",");
    const Position at = tokens_.current().at;
    Parameter parameter{tokens_.take_name("the name of a parameter"), nullptr};
    const auto same = [&](const Parameter& other) { return other.name == parameter.name; };
    if (std::any_of(parameters.begin(), parameters.end(), same))
      tokens_.refuse(at, fmt::format("the parameter '{}' stands twice", printable(parameter.name)));
    if (tokens_.skip_operation("="))
      parameter.otherwise = expressions_.parse();
    else if (!parameters.empty() && parameters.back().otherwise)
      tokens_.refuse(at, "a parameter without a default stands behind one with a default");
    parameters.push_back(std::move(parameter));
  }
  tokens_.expect_operation(")");
  return parameters;
}

void StatementParser::parse_body_of(MacroDefinition& macro, std::string_view end) {
  const int outer_loops = std::exchange(loops_, 0);
  macro.body = std::make_shared<const Body>(parse_body(end));
  loops_ = outer_loops;
}

Statement StatementParser::parse_macro() {
  tokens_.take();
  DefineMacro node;
  MacroDefinition& macro = node.macro;
  macro.name = tokens_.take_name("the name of the macro");
  std::set<std::string> outer_names = expressions_.take_names();
  macro.parameters = parse_parameters();
  end_tag();
  parse_body_of(macro, "endmacro");
  std::set<std::string> names = expressions_.take_names();
  macro.reads_caller = names.contains("caller");
  macro.reads_varargs = names.contains("varargs");
  macro.reads_kwargs = names.contains("kwargs");
  expressions_.add_names(std::move(outer_names));
  return {{}, std::move(node)};
}

Statement StatementParser::parse_call_block() {
  tokens_.take();
  CallBlock node;
  node.caller.name = "caller";
  if (tokens_.is_operation("(")) node.caller.parameters = parse_parameters();
  const Position at = tokens_.current().at;
  node.call = expressions_.parse();
  if (!std::holds_alternative<Call>(node.call->node)) tokens_.refuse(at, "call needs a macro that is called");
  end_tag();
  parse_body_of(node.caller, "endcall");
  return {{}, std::move(node)};
}

Statement StatementParser::parse_filter_block() {
  tokens_.take();
  FilterBlock node;
  node.filter = expressions_.parse_filter_chain();
  end_tag();
  node.body = parse_body("endfilter");
  return {{}, std::move(node)};
}

Statement StatementParser::parse_with() {
  tokens_.take();
  Scoped node;
  while (tokens_.current().kind != TokenKind::end_tag) {
    if (!node.assignments.empty()) tokens_.expect_operation(",");
    Target target = expressions_.parse_target(false);
    tokens_.expect_operation("=");
    node.assignments.emplace_back(std::move(target), expressions_.parse());
  }
  end_tag();
  node.body = parse_body("endwith");
  return {{}, std::move(node)};
}

Statement StatementParser::parse_generation() {
  tokens_.take();
  end_tag();
  const int outer_loops = std::exchange(loops_, 0);
  Scoped node;
  node.body = parse_body("endgeneration");
  loops_ = outer_loops;
  return {{}, std::move(node)};
}

Statement StatementParser::parse_jump() {
  const Token name = tokens_.take();
  if (loops_ == 0) tokens_.refuse(name.at, fmt::format("'{}' stands outside of a loop", name.text));
  end_tag();
  return {{}, Jump{name.text == "break"}};
}

Body parse(const std::string& name, std::string_view source, const Limits& limits) {
  if (source.size() > limits.template_bytes)
    fail("{}: the template has {} bytes: refused above {}", name, source.size(), limits.template_bytes);
  TokenStream tokens(name, cut(name, source));
  return StatementParser(tokens).parse_template();
}

}  // namespace burin::runtime::jinja
