#include "graph/ir_parse.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "graph/ir_fields.hpp"
#include "jit/error.hpp"

namespace burin::graph {
namespace {

// No model has more; a wrong digit shall not allocate gigabytes.
constexpr ValueId kMostValues = 1 << 20;
// Whole numbers that a double holds: products of two head counts or sums of widths do not overflow.
constexpr std::int64_t kLargestNumber = std::int64_t{1} << 53;
// Whatever the text holds, errors are one line.
constexpr std::size_t kLongestError = 400;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// What is left of a line. Every read_* function takes what it reads off the front, or throws.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  // The next character behind spaces; '\0' at the end.
  char peek() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_.front();
  }

  bool take(char wanted) {
    if (peek() != wanted || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail("'{}' expected at '{}'", wanted, here());
  }
  void expect_end() {
    if (peek() != '\0' || !rest_.empty()) fail("nothing more expected at '{}'", here());
  }

  // Up to what cannot be part of a number or an unquoted name.
  std::string_view read_word() {
    peek();
    const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\r[]{}()=,\"%"));
    if (word.empty()) fail("a name or number expected at '{}'", here());
    rest_.remove_prefix(word.size());
    return word;
  }

  void read(std::string& text) {
    if (!take('"')) {
      text = read_word();
      return;
    }
    text.clear();
    while (!rest_.empty() && rest_.front() != '"') text += read_character();
    expect('"');
  }

  void read(bool& value) {
    const std::string_view word = read_word();
    if (word != "true" && word != "false") fail("'{}' is neither true nor false", word);
    value = word == "true";
  }

  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void read(Number& value) {
    const std::string_view word = read_word();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) fail("'{}' is no number that fits", word);
    if constexpr (std::is_floating_point_v<Number>) {
      if (!std::isfinite(value)) fail("'{}' is not finite", word);
    } else if (value > kLargestNumber || value < -kLargestNumber) {
      fail("'{}' is too large", word);
    }
  }

  template <typename Enum>
  requires std::is_enum_v<Enum>
  void read(Enum& value) {
    const std::string_view word = read_word();
    for (int i = 0; name_of(static_cast<Enum>(i)) != "?"; ++i)
      if (name_of(static_cast<Enum>(i)) == word) return void(value = static_cast<Enum>(i));
    fail("'{}' is not known here", word);
  }

  template <typename Item>
  void read(std::vector<Item>& items) {
    expect('[');
    items.clear();
    while (!take(']')) read(items.emplace_back());
  }

  template <typename Struct>
  requires std::is_class_v<Struct>
  void read(Struct& value) {
    expect('{');
    read_fields(value, '}');
  }

  // "name=value ..." up to `end`.
  template <typename Struct>
  void read_fields(Struct& value, char end) {
    std::vector<std::string_view> seen;
    while (peek() != end) {
      const std::string_view name = read_word();
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) fail("field '{}' is there twice", name);
      seen.push_back(name);
      expect('=');
      read_field(value, name);
    }
    if (end != '\0') expect(end);
  }

  ValueId read_id() {
    expect('%');
    ValueId id = kNoValue;
    read(id);
    if (id < 0 || id >= kMostValues) fail("value %{} is none: they are %0 to %{}", id, kMostValues - 1);
    return id;
  }

 private:
  std::string_view here() const { return rest_.empty() ? "the line's end" : rest_.substr(0, 20); }

  template <typename Struct>
  void read_field(Struct& value, std::string_view name) {
    bool known = false;
    std::string names;
    visit_fields(value, [&](std::string_view field_name, auto& field) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", field_name);
      if (known || field_name != name) return;
      known = true;
      try {
        read(field);
      } catch (const Error& error) {
        fail("field '{}': {}", name, error.what());
      }
    });
    if (!known) fail("field '{}' is unknown: there {}", name, names.empty() ? "are none" : "is " + names);
  }

  char read_character() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != '\\') return c;
    const bool in_hex = rest_.starts_with('x');
    if (!in_hex && !rest_.starts_with('"') && !rest_.starts_with('\\'))
      fail("'\\' must be followed by '\\', '\"' or x and two hexadecimal digits");
    unsigned char value = static_cast<unsigned char>(rest_.front());
    if (in_hex) {
      const std::string_view digits = rest_.substr(1, 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (error != std::errc() || end != digits.data() + 2) fail("'\\x{}' is no character", digits);
    }
    rest_.remove_prefix(in_hex ? 3 : 1);
    return static_cast<char>(value);
  }

  std::string_view rest_;
};

class GraphParser {
 public:
  Graph parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      parse_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (graph_.logits == kNoValue) fail("graph text: has no line 'logits %ID' at its end");
    if (graph_.producer(graph_.logits) == nullptr)
      fail("graph text: logits are %{}, which no node makes", graph_.logits);
    try {
      validate(graph_);
    } catch (const Error& error) {
      fail("{}", printable(error.what(), kLongestError));
    }
    return std::move(graph_);
  }

 private:
  void parse_line(std::string_view line) {
    LineReader reader(line);
    if (reader.peek() == '\0' || reader.peek() == '#') return;
    Node node;
    try {
      if (reader.peek() == '%')
        parse_node(reader, node);
      else
        parse_logits(reader);
      reader.expect_end();
    } catch (const Error& error) {
      const std::string place = node.name.empty() ? "" : " node " + printable(node.name) + ":";
      fail("graph text: line {}:{} {}", line_, place, printable(error.what(), kLongestError));
    }
  }

  void parse_node(LineReader& reader, Node& node) {
    if (graph_.logits != kNoValue) fail("a node stands behind 'logits', which must come last");
    node.output = reader.read_id();
    Value value;
    reader.expect('[');
    reader.read(value.width);
    reader.expect(']');
    reader.read(node.name);
    value.name = node.name;
    if (reader.peek() != '=') {
      if (const std::string_view word = reader.read_word(); word != "as")
        fail("'=' or 'as' expected at '{}'", word);
      reader.read(value.name);
    }
    reader.expect('=');
    reader.read(node.op);
    parse_inputs(reader, node);
    reader.read_fields(node, '\0');
    set_value(node.output, std::move(value));
    graph_.nodes.push_back(std::move(node));
  }

  static void parse_inputs(LineReader& reader, Node& node) {
    reader.expect('(');
    if (reader.take(')')) return;
    do node.inputs.push_back(reader.read_id());
    while (reader.take(','));
    reader.expect(')');
  }

  void parse_logits(LineReader& reader) {
    if (const std::string_view word = reader.read_word(); word != "logits")
      fail("a node ('%ID[WIDTH] NAME = OP(...) ...') or 'logits %ID' expected at '{}'", word);
    if (graph_.logits != kNoValue) fail("logits are there twice");
    graph_.logits = reader.read_id();
  }

  void set_value(ValueId id, Value value) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= graph_.values.size()) graph_.values.resize(index + 1);
    graph_.values[index] = std::move(value);
  }

  Graph graph_;
  int line_ = 0;
};

}  // namespace

Graph parse_graph(std::string_view text) { return GraphParser().parse(text); }

}  // namespace burin::graph
