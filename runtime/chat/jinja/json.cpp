// JSON as Python's json.dumps() writes it.
#include <algorithm>
#include <cmath>

#include "runtime/chat/jinja/print.hpp"
#include "runtime/chat/jinja/text.hpp"

namespace burin::runtime::jinja {
namespace {

class JsonPrinter {
 public:
  JsonPrinter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}
  std::string take() { return std::move(text_); }

  void print(const Value& value) {
    budget_.spend(1);
    if (value.is_text())
      print_text(value.text());
    else if (const Dictionary* dictionary = value.dictionary())
      print_dictionary(*dictionary);
    else if (const Sequence* sequence = value.sequence(); sequence && is_list(sequence->kind))
      print_list(*sequence);
    else
      append(scalar(value));
  }

 private:
  static bool is_list(SequenceKind kind) { return kind == SequenceKind::list || kind == SequenceKind::tuple; }

  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is_boolean()) return value.is_true() ? "true" : "false";
    if (value.is_whole()) return std::to_string(value.whole());
    if (value.is_float()) return number_text(value.number());
    if (value.is_undefined()) fail("tojson: {}", *value.undefined().complaint);
    fail("tojson: a value of type '{}' cannot be written as JSON{}", value.type_name(),
         value.sequence() != nullptr ? ": add |list before" : "");
  }

  static std::string number_text(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return float_text(number);
  }

  void append(std::string_view text) {
    text_ += text;
    budget_.read(text.size());
    if (text_.size() > budget_.limits().text_bytes) budget_.make(text_.size());
  }

  void begin_line() {
    if (!style_.indent) return;
    append("\n");
    for (int level = 0; level < level_; ++level) append(*style_.indent);
  }

  void print_list(const Sequence& list) {
    append("[");
    ++level_;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) append(style_.between);
      begin_line();
      print(list.items[i]);
    }
    end(!list.items.empty(), "]");
  }

  void end(bool had_items, std::string_view bracket) {
    --level_;
    if (had_items) begin_line();
    append(bracket);
  }

  void print_dictionary(const Dictionary& dictionary) {
    std::vector<const Dictionary::Item*> items;
    for (const Dictionary::Item& item : dictionary.items()) items.push_back(&item);
    budget_.spend(items.size());
    if (style_.sort_keys)
      std::stable_sort(items.begin(), items.end(),
                       [&](const auto* a, const auto* b) { return less(a->first, b->first, budget_); });
    append("{");
    ++level_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) append(style_.between);
      begin_line();
      const Value& key = items[i]->first;
      print_text(key.is_text() ? key.text() : scalar(key));
      append(style_.after_key);
      print(items[i]->second);
    }
    end(!items.empty(), "}");
  }

  void print_text(std::string_view text) {
    budget_.make(text.size());
    budget_.spend(text.size() / 4);
    std::string quoted = "\"";
    for (const std::string_view character : split_characters(text)) append_escaped(quoted, character);
    append(quoted + "\"");
  }

  void append_escaped(std::string& quoted, std::string_view character) const {
    std::size_t bytes = 0;
    const std::int32_t code = first_character(character, bytes);
    switch (code) {
      case '"': quoted += "\\\""; return;
      case '\\': quoted += "\\\\"; return;
      case '\n': quoted += "\\n"; return;
      case '\r': quoted += "\\r"; return;
      case '\t': quoted += "\\t"; return;
      case '\b': quoted += "\\b"; return;
      case '\f': quoted += "\\f"; return;
      default: break;
    }
    if (code >= 0x20 && (code < 0x7f || !style_.ascii)) {
      quoted += character;
      return;
    }
    if (code < 0) {  // no UTF-8: stays what it is
      quoted += character;
      return;
    }
    const auto number = static_cast<std::uint32_t>(code);
    if (number < 0x10000)
      quoted += fmt::format("\\u{:04x}", number);
    else  // a pair of surrogates
      quoted += fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0 + (number >> 10), 0xdc00 + (number & 0x3ff));
  }

  const JsonStyle& style_;
  Budget& budget_;
  std::string text_;
  int level_ = 0;
};

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style, Budget& budget) {
  JsonPrinter printer(style, budget);
  printer.print(value);
  return printer.take();
}

}  // namespace burin::runtime::jinja
